package customization

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Table prints a line for each test, and what went wrong.
func Table(to io.Writer, outcomes []Outcome) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "GROUP\tKIND\tTEST\tRESULT")
	for _, o := range outcomes {
		result := "ok"
		if o.Failure != "" {
			result = "FAILED: " + strings.ReplaceAll(o.Failure, "\n", " ")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.Group, o.Kind, o.Test, result)
	}
	return w.Flush()
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes what build servers read.
func JUnit(to io.Writer, outcomes []Outcome) error {
	suite := junitSuite{Name: "resource customizations", Tests: len(outcomes), Failures: Failed(outcomes)}
	var total time.Duration
	for _, o := range outcomes {
		c := junitCase{Class: strings.TrimPrefix(o.Group+"/"+o.Kind, "/"), Name: o.Test, Time: seconds(o.Took)}
		if o.Failure != "" {
			first, _, _ := strings.Cut(o.Failure, "\n")
			c.Failure = &junitFailure{Message: first, Text: o.Failure}
		}
		total += o.Took
		suite.Cases = append(suite.Cases, c)
	}
	suite.Time = seconds(total)
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	_, err = fmt.Fprintf(to, "%s%s\n", xml.Header, text)
	return err
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

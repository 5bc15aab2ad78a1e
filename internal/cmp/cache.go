package cmp

import (
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/sluice-delivery/sluice/render"
)

// digest is SHA-256 of something.
type digest [sha256.Size]byte

// questionOf is the digest of everything but the tree that an answer depends on. Each text is preceded by its length:
// no two lists of texts give the same bytes.
func questionOf(texts ...string) digest {
	h := sha256.New()
	var size [8]byte
	for _, text := range texts {
		binary.BigEndian.PutUint64(size[:], uint64(len(text)))
		h.Write(size[:])
		h.Write([]byte(text))
	}
	return digest(h.Sum(nil))
}

// cache remembers answers by what they were made of, never by whose they are: the question (path, parameters, version),
// and either the whole archive by its digest, or every single thing that the renderer looked at in it. The digests are
// our own, of the bytes that came; what a client announces is only compared. So an answer can only be given for a tree
// that renders to it. Errors are not kept.
type cache struct {
	mu       sync.Mutex
	most     int64 // bytes
	bytes    int64
	archives map[[2]digest]*list.Element
	answers  map[digest][]*list.Element // by question, the latest first
	order    *list.List                 // of *cached, what was used last in front
}

type cached struct {
	question     digest
	observations []render.Observation
	encoded      []byte
	count        int      // of manifests
	archives     []digest // that are known to give this
	size         int64
}

// Of one question and one answer, as many are kept as branches and pull requests may need.
const (
	answersPerQuestion = 8
	archivesPerAnswer  = 16
)

func newCache(most int64) *cache {
	return &cache{most: most, archives: map[[2]digest]*list.Element{}, answers: map[digest][]*list.Element{}, order: list.New()}
}

// byArchive answers for an archive that was seen, byte for byte.
func (c *cache) byArchive(question, archive digest) (*cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, found := c.archives[[2]digest{question, archive}]
	if !found {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached), true
}

// byTree answers for a tree in which everything is as it was when the answer was made.
func (c *cache) byTree(question, archive digest, tree filesys.FileSystem) (*cached, bool) {
	c.mu.Lock()
	candidates := append([]*list.Element{}, c.answers[question]...)
	c.mu.Unlock()
	for _, e := range candidates {
		answer := e.Value.(*cached)
		if !render.Holds(answer.observations, tree) { // reads the tree: not under the lock
			continue
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.alive(e) {
			c.order.MoveToFront(e)
			c.know(e, archive)
		}
		return answer, true
	}
	return nil, false
}

func (c *cache) alive(e *list.Element) bool {
	for _, other := range c.answers[e.Value.(*cached).question] {
		if other == e {
			return true
		}
	}
	return false
}

// know remembers that an archive gives an answer.
func (c *cache) know(e *list.Element, archive digest) {
	answer := e.Value.(*cached)
	if len(answer.archives) == archivesPerAnswer {
		delete(c.archives, [2]digest{answer.question, answer.archives[0]})
		answer.archives = answer.archives[1:]
	}
	answer.archives = append(answer.archives, archive)
	c.archives[[2]digest{answer.question, archive}] = e
}

// put keeps an answer, and drops those that were not used for longest until all fit.
func (c *cache) put(question, archive digest, observations []render.Observation, encoded []byte, count int) *cached {
	answer := &cached{question: question, observations: observations, encoded: encoded, count: count}
	answer.size = int64(len(encoded)) + 64*archivesPerAnswer + 512
	for _, o := range observations {
		answer.size += int64(o.Size()) + 32
	}
	if answer.size > c.most/4 { // one application shall not drop all others
		return answer
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, found := c.archives[[2]digest{question, archive}]; found {
		return answer // two calls at once made the same
	}
	e := c.order.PushFront(answer)
	c.answers[question] = append([]*list.Element{e}, c.answers[question]...)
	c.bytes += answer.size
	c.know(e, archive)
	if all := c.answers[question]; len(all) > answersPerQuestion {
		c.drop(all[len(all)-1])
	}
	for c.bytes > c.most {
		c.drop(c.order.Back())
	}
	return answer
}

func (c *cache) drop(e *list.Element) {
	answer := e.Value.(*cached)
	c.order.Remove(e)
	c.bytes -= answer.size
	for _, archive := range answer.archives {
		delete(c.archives, [2]digest{answer.question, archive})
	}
	var left []*list.Element
	for _, other := range c.answers[answer.question] {
		if other != e {
			left = append(left, other)
		}
	}
	if c.answers[answer.question] = left; len(left) == 0 {
		delete(c.answers, answer.question)
	}
}

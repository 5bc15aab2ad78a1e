package notifications

import "time"

// Waiting after a failed attempt: doubled each time, up to a limit, and not for ever.
const (
	firstWait = time.Second
	maxWait   = time.Minute
	patience  = 30 * time.Minute
)

// Retry says when to try again after an attempt, counted from 1, of a letter that is this old. It says no when the news
// is too old to be of use.
func Retry(attempt int, age time.Duration) (wait time.Duration, again bool) {
	wait = firstWait << min(max(attempt-1, 0), 6)
	wait = min(wait, maxWait)
	return wait, age+wait <= patience
}

package evil

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// host is what calls of the front's own are signed for.
const host = "127.0.0.1"

// sign signs a call by TC3-HMAC-SHA256 (EdgeOne API docs, signature v3).
func sign(r *http.Request, body []byte) {
	now := time.Now().UTC()
	r.Host = host
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-TC-Timestamp", strconv.FormatInt(now.Unix(), 10))
	digest := func(data []byte) string { sum := sha256.Sum256(data); return hex.EncodeToString(sum[:]) }
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		_, _ = h.Write([]byte(text))
		return h.Sum(nil)
	}
	canonical := "POST\n/\n\ncontent-type:application/json\nhost:" + host + "\n\ncontent-type;host\n" + digest(body)
	date := now.Format(time.DateOnly)
	scope := date + "/teo/tc3_request"
	text := fmt.Sprintf("TC3-HMAC-SHA256\n%d\n%s\n%s", now.Unix(), scope, digest([]byte(canonical)))
	key := mac(mac(mac([]byte("TC3"+emulator.DefaultSecretKey), date), "teo"), "tc3_request")
	r.Header.Set("Authorization", fmt.Sprintf("TC3-HMAC-SHA256 Credential=%s/%s, SignedHeaders=content-type;host, Signature=%x",
		emulator.DefaultSecretID, scope, mac(key, text)))
}

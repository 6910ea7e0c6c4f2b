package app

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/edgepurge/edgepurge/internal/trouble"
)

// troubles are the steps of a turn that are begun anew until they succeed.
type troubles struct {
	nats, setup, keys, lease, own *trouble.Trouble
}

func newTroubles(log *zap.Logger) troubles {
	t := trouble.New(log)
	return troubles{
		nats: t.On("waiting for nats", ""), keys: t.On("waiting for credentials", ""),
		setup: t.On("begins anew", "streams"), lease: t.On("begins anew", "lease"), own: t.On("begins anew", "owner"),
	}
}

// info logs a step of a turn; at level debug where the turns before failed after it, which repeats it each second.
func (a *App) info(step string, fields ...zap.Field) {
	level := zapcore.InfoLevel
	if a.troubles.lease.Failing() || a.troubles.own.Failing() {
		level = zapcore.DebugLevel
	}
	a.log.Log(level, step, fields...)
}

package config

import "time"

// Words for [NATS.Provision].
const (
	ProvisionCreate = "create" // streams and consumers that are missing are made at start
	ProvisionVerify = "verify" // what is missing or differs is told, nothing is made
	ProvisionNone   = "none"   // not even looked at
)

// NATS is the connection to the broker and what is kept there. The variables NATS_URL, NATS_CREDS, ... are those of
// the nats CLI.
type NATS struct {
	// URL is one server or several, separated by commas: nats://, tls://, ws://, wss:// or host:port.
	URL ServerURL `yaml:"url" env:"URL" alias:"NATS_URL"`
	// Creds and NKey are paths of a credentials file and of a file with an nkey seed.
	Creds string `yaml:"creds" env:"CREDS" alias:"NATS_CREDS"`
	NKey  string `yaml:"nkey" env:"NKEY" alias:"NATS_NKEY"`
	// User goes with Password; Token stands alone. Creds, NKey, User and Token exclude each other.
	User         string `yaml:"user" env:"USER" alias:"NATS_USER"`
	Password     Secret `yaml:"password" env:"PASSWORD" alias:"NATS_PASSWORD"`
	PasswordFile string `yaml:"password_file" env:"PASSWORD_FILE" alias:"NATS_PASSWORD_FILE"`
	Token        Secret `yaml:"token" env:"TOKEN" alias:"NATS_TOKEN"`
	TokenFile    string `yaml:"token_file" env:"TOKEN_FILE" alias:"NATS_TOKEN_FILE"`
	// CA, Cert and Key are paths of PEM files; Cert and Key go together.
	CA   string `yaml:"ca" env:"CA" alias:"NATS_CA"`
	Cert string `yaml:"cert" env:"CERT" alias:"NATS_CERT"`
	Key  string `yaml:"key" env:"KEY" alias:"NATS_KEY"`
	// Context is the name (or absolute path) of a context of the nats CLI.
	Context string `yaml:"context" env:"CONTEXT" alias:"NATS_CONTEXT"`
	// Inbox begins the subjects of answers: 1-64 of A-Za-z0-9_-; empty: as the context says, or _INBOX.
	Inbox string `yaml:"inbox" env:"INBOX"`
	// Prefix begins every subject, and in upper case every stream: 1-32 of a-z0-9-.
	Prefix string `yaml:"prefix" env:"PREFIX"`
	// Provision is what is done at start about streams and consumers: one of the Provision words.
	Provision string `yaml:"provision" env:"PROVISION"`
	// Replicas is the number of copies of each stream: 1, 3 or 5.
	Replicas int `yaml:"replicas" env:"REPLICAS"`
	// MaxBytes is the size at which the request stream refuses more; at least 64MiB.
	MaxBytes Size `yaml:"max_bytes" env:"MAX_BYTES"`
	// ParkedMaxBytes and ProgressMaxBytes are the sizes at which the streams of parked requests and of requests that
	// span jobs refuse more; at least 64MiB each.
	ParkedMaxBytes   Size `yaml:"parked_max_bytes" env:"PARKED_MAX_BYTES"`
	ProgressMaxBytes Size `yaml:"progress_max_bytes" env:"PROGRESS_MAX_BYTES"`
}

// EdgeOne is the API and the account. Without SecretID and SecretKey the SDK's provider chain is asked. The _FILE keys
// name files that Load reads into their siblings; the paths stay, for those who read again ([ReadSecret]).
type EdgeOne struct {
	// Account is our name for the account in subjects, requests and metrics: 1-64 of A-Za-z0-9_-.
	Account string `yaml:"account" env:"ACCOUNT"`
	// Endpoint is host[:port] (https) or a URL; plain http only to a loopback address. See [ParseEndpoint].
	Endpoint string `yaml:"endpoint" env:"ENDPOINT"`
	// Version is the API version; see [Versions].
	Version string `yaml:"version" env:"VERSION"`
	// Region is sent as X-TC-Region; empty: none. 2022-01-06 needs one: Load makes an empty one ap-guangzhou.
	Region string `yaml:"region" env:"REGION"`
	// Timeout bounds one API call, 100ms to 10m.
	Timeout time.Duration `yaml:"timeout" env:"TIMEOUT"`

	SecretID      string `yaml:"secret_id" env:"SECRET_ID" alias:"TENCENTCLOUD_SECRET_ID" live:"yes"`
	SecretIDFile  string `yaml:"secret_id_file" env:"SECRET_ID_FILE" alias:"TENCENTCLOUD_SECRET_ID_FILE" live:"yes"`
	SecretKey     Secret `yaml:"secret_key" env:"SECRET_KEY" alias:"TENCENTCLOUD_SECRET_KEY" live:"yes"`
	SecretKeyFile string `yaml:"secret_key_file" env:"SECRET_KEY_FILE" alias:"TENCENTCLOUD_SECRET_KEY_FILE" live:"yes"`
	// Token is the session token of temporary credentials.
	Token     Secret `yaml:"token" env:"TOKEN" alias:"TENCENTCLOUD_TOKEN" live:"yes"`
	TokenFile string `yaml:"token_file" env:"TOKEN_FILE" alias:"TENCENTCLOUD_TOKEN_FILE" live:"yes"`

	// Zones tells the zone of hosts that requests need not name.
	Zones Zones `yaml:"zones" env:"ZONES" live:"yes"`
}

// Versions returns the API versions that Version may name, the default first.
func Versions() []string { return []string{"2022-09-01", regionalVersion} }

const (
	// regionalVersion is the API version that refuses calls without a region, which decides nothing else.
	regionalVersion = "2022-01-06"
	// defaultRegion is sent with it where none is given.
	defaultRegion = "ap-guangzhou"
)

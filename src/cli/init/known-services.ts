/** A well-known service as `berth init` writes it: lines below `services.<name>:`, and how an application finds it. */
export interface KnownService {
  readonly lines: readonly string[];
  readonly volume?: string;
  /** For the application's environment. */
  readonly address: { readonly variable: string; readonly value: string };
}

const health = (test: string, startPeriod: string): string[] => [
  "healthcheck:",
  `  test: ${test}`,
  "  interval: 10s",
  "  timeout: 5s",
  "  retries: 5",
  `  start_period: ${startPeriod}`,
  "  start_interval: 500ms",
];

/** Published on loopback only; passwords are for a development machine and say so. */
export const knownServices: Readonly<Record<string, KnownService>> = {
  postgres: {
    lines: [
      "image: postgres:17",
      "environment: {POSTGRES_USER: app, POSTGRES_PASSWORD: app, POSTGRES_DB: app}",
      'ports: ["127.0.0.1:${POSTGRES_PORT:-5432}:5432"]',
      "volumes: [postgres:/var/lib/postgresql/data]",
      "shm_size: 128m",
      ...health('["CMD-SHELL", "pg_isready -q -h 127.0.0.1 -U app -d app"]', "60s"),
    ],
    volume: "postgres",
    address: { variable: "DATABASE_URL", value: "postgres://app:app@postgres:5432/app" },
  },
  mysql: {
    lines: [
      "image: mysql:8.4",
      "environment: {MYSQL_USER: app, MYSQL_PASSWORD: app, MYSQL_DATABASE: app, MYSQL_ROOT_PASSWORD: app}",
      'ports: ["127.0.0.1:${MYSQL_PORT:-3306}:3306"]',
      "volumes: [mysql:/var/lib/mysql]",
      ...health('["CMD", "mysqladmin", "ping", "-h", "127.0.0.1", "-u", "app", "-papp", "--silent"]', "90s"),
    ],
    volume: "mysql",
    address: { variable: "DATABASE_URL", value: "mysql://app:app@mysql:3306/app" },
  },
  mongo: {
    lines: [
      "image: mongo:8",
      'ports: ["127.0.0.1:${MONGO_PORT:-27017}:27017"]',
      "volumes: [mongo:/data/db]",
      ...health('["CMD", "mongosh", "--quiet", "--eval", "db.runCommand({ping: 1}).ok"]', "60s"),
    ],
    volume: "mongo",
    address: { variable: "MONGO_URL", value: "mongodb://mongo:27017/app" },
  },
  redis: {
    lines: [
      "image: redis:8-alpine",
      'ports: ["127.0.0.1:${REDIS_PORT:-6379}:6379"]',
      "volumes: [redis:/data]",
      ...health('["CMD", "redis-cli", "ping"]', "20s"),
    ],
    volume: "redis",
    address: { variable: "REDIS_URL", value: "redis://redis:6379" },
  },
  rabbitmq: {
    lines: [
      "image: rabbitmq:4-management-alpine",
      "hostname: rabbitmq # its data is kept under this name",
      'ports: ["127.0.0.1:${RABBITMQ_PORT:-5672}:5672", "127.0.0.1:${RABBITMQ_UI_PORT:-15672}:15672"]',
      "volumes: [rabbitmq:/var/lib/rabbitmq]",
      ...health('["CMD", "rabbitmq-diagnostics", "-q", "ping"]', "60s"),
    ],
    volume: "rabbitmq",
    address: { variable: "AMQP_URL", value: "amqp://guest:guest@rabbitmq:5672" },
  },
  kafka: {
    lines: [
      "image: apache/kafka:4.1.0",
      "environment:",
      "  KAFKA_NODE_ID: 1",
      "  KAFKA_PROCESS_ROLES: broker,controller",
      "  KAFKA_CONTROLLER_QUORUM_VOTERS: 1@localhost:9093",
      "  KAFKA_CONTROLLER_LISTENER_NAMES: CONTROLLER",
      "  # Two ways in: by name for the other services, by loopback for programs on this machine.",
      '  KAFKA_LISTENERS: "PLAINTEXT://:9092,CONTROLLER://:9093,HOST://:29092"',
      '  KAFKA_ADVERTISED_LISTENERS: "PLAINTEXT://kafka:9092,HOST://127.0.0.1:${KAFKA_PORT:-29092}"',
      '  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,HOST:PLAINTEXT"',
      "  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 1",
      "  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: 1",
      "  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: 1",
      'ports: ["127.0.0.1:${KAFKA_PORT:-29092}:29092"]',
      "volumes: [kafka:/var/lib/kafka/data]",
      ...health('["CMD", "/opt/kafka/bin/kafka-broker-api-versions.sh", "--bootstrap-server", "localhost:9092"]', "60s"),
    ],
    volume: "kafka",
    address: { variable: "KAFKA_BROKERS", value: "kafka:9092" },
  },
  nats: {
    lines: [
      "image: nats:2-alpine",
      'command: ["--jetstream", "--store_dir", "/data", "--http_port", "8222"]',
      'ports: ["127.0.0.1:${NATS_PORT:-4222}:4222"]',
      "volumes: [nats:/data]",
      ...health('["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8222/healthz"]', "20s"),
    ],
    volume: "nats",
    address: { variable: "NATS_URL", value: "nats://nats:4222" },
  },
  minio: {
    lines: [
      "image: quay.io/minio/minio",
      'command: ["server", "/data", "--console-address", ":9001"]',
      "environment: {MINIO_ROOT_USER: app, MINIO_ROOT_PASSWORD: app-secret}",
      'ports: ["127.0.0.1:${MINIO_PORT:-9000}:9000", "127.0.0.1:${MINIO_UI_PORT:-9001}:9001"]',
      "volumes: [minio:/data]",
      ...health('["CMD", "mc", "ready", "local"]', "30s"),
    ],
    volume: "minio",
    address: { variable: "S3_ENDPOINT", value: "http://minio:9000" },
  },
};

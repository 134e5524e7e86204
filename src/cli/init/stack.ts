/** What `berth init` can see of a directory. */
export interface ProjectFiles {
  has(path: string): boolean;
  /** "" where there is none. */
  read(path: string): string;
  /** Names in a directory; [] where there is none. */
  list(directory: string): readonly string[];
}

/** How an application of one kind is built and brought up to date. */
export interface Stack {
  /** For people: "Node.js". */
  readonly language: string;
  /** Its port in the container. */
  readonly port: number;
  readonly dockerfile: string;
  /** Lines of .dockerignore. */
  readonly ignore: readonly string[];
  readonly watch: readonly StackRule[];
  /** Well-known services that its dependencies speak to. */
  readonly needs: readonly string[];
}

export interface StackRule {
  readonly action: "sync" | "rebuild" | "sync+restart";
  readonly path: string;
  readonly target?: string;
  readonly ignore?: readonly string[];
  readonly why: string;
}

const clients: Readonly<Record<string, RegExp>> = {
  postgres: /\b(pg|postgres|psycopg2?|psycopg2-binary|asyncpg|pgx|lib\/pq|pdo_pgsql)\b/,
  mysql: /\b(mysql2?|mysqlclient|pymysql|go-sql-driver|trilogy|pdo_mysql)\b/i,
  mongo: /\b(mongodb|mongoose|pymongo|motor|mongo-driver|mongoid)\b/,
  redis: /\b(redis|ioredis|go-redis|predis|phpredis|sidekiq|bullmq)\b/,
  rabbitmq: /\b(amqplib|pika|aio-pika|bunny|amqp091-go|php-amqplib)\b/,
  kafka: /\b(kafkajs|kafka-python|confluent-kafka|kafka-go|sarama|ruby-kafka|rdkafka)\b/,
  nats: /\b(nats|nats-py|nats\.go)\b/,
  minio: /\b(minio|minio-go)\b/,
};

/** The well-known services whose client libraries a manifest names. */
export function neededServices(manifest: string): string[] {
  return Object.entries(clients).flatMap(([service, client]) => (client.test(manifest) ? [service] : []));
}

/** A Dockerfile of one stage, in /app. */
export function dockerfile(base: string, lines: readonly string[]): string {
  return `${[`FROM ${base}`, "WORKDIR /app", ...lines].join("\n")}\n`;
}

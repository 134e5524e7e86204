import fc, { type Arbitrary } from "fast-check";

const names = ["a", "b", "web", "db.main", "x-y_1"] as const;
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const text = fc.oneof(
  word,
  fc.string({ maxLength: 12 }),
  fc.constantFrom("yes", "010", "null", "1e3", "2001-01-01", "a: b", "# x", "- x", "$", "${A}", "${A:-b}", "$$A", "é\n\tz"),
);
const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.double({ noNaN: true, noDefaultInfinity: true }));
const scalar = fc.oneof(text, fc.integer({ min: -1000, max: 1_000_000 }), fc.boolean());
const size = fc.constantFrom("64m", "1.5gb", 1024, "2k");
const duration = fc.constantFrom("1m30s", "200ms", "0s", "1d", "1.5s");
const key = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.]{0,8}$/);
const pairs = fc.oneof(
  fc.dictionary(key, value, { maxKeys: 4 }),
  fc.uniqueArray(
    fc.tuple(key, text).map(([name, one]) => `${name}=${one}`),
    { maxLength: 4 },
  ),
);
const words = fc.uniqueArray(word, { maxLength: 3 });
const command = fc.oneof(fc.array(text, { maxLength: 3 }), fc.constantFrom("a b", "sh -c 'x y'", ""), fc.constant(null));
const target = fc.stringMatching(/^\/[a-z]{1,6}$/);
const volume = fc.oneof(
  target,
  fc
    .tuple(fc.constantFrom("./d", "../u", "/abs", "~/h", "v1", "v2"), target, fc.constantFrom("", ":ro", ":rw", ":z"))
    .map(([from, to, mode]) => `${from}:${to}${mode}`),
  fc.record(
    { type: fc.constant("tmpfs"), target, tmpfs: fc.record({ size, mode: fc.integer({ min: 0, max: 0o1777 }) }, { requiredKeys: [] }) },
    { requiredKeys: ["type", "target"] },
  ),
  fc.record({
    type: fc.constant("bind"),
    source: fc.constant("./long"),
    target,
    read_only: fc.boolean(),
    bind: fc.record({ create_host_path: fc.boolean() }),
  }),
);
const port = fc.oneof(
  fc.integer({ min: 1, max: 65535 }),
  fc.tuple(fc.integer({ min: 1, max: 65000 }), fc.integer({ min: 1, max: 65000 })).map(([from, to]) => `${from}:${to}`),
  fc.constantFrom("8000-8002:80-82", "127.0.0.1::53/udp", "[::1]:70:70", "9000-9005:90"),
  fc.record(
    { target: fc.integer({ min: 1, max: 65535 }), published: fc.constantFrom("80", 81, "90-95"), mode: fc.constantFrom("host", "ingress") },
    { requiredKeys: ["target"] },
  ),
);

const service = fc.record(
  {
    image: word,
    build: fc.oneof(
      fc.constantFrom(".", "./ctx", "https://example.com/x.git"),
      fc.record({ context: fc.constant("."), args: pairs, target: word, labels: pairs }, { requiredKeys: [] }),
    ),
    command,
    entrypoint: command,
    environment: pairs,
    labels: pairs,
    annotations: pairs,
    ports: fc.uniqueArray(port, { maxLength: 3, selector: (one) => JSON.stringify(one) }),
    volumes: fc.uniqueArray(volume, {
      maxLength: 3,
      selector: (one) => (typeof one === "string" ? (/\/[a-z]+(?=(:[a-z]+)?$)/.exec(one)?.[0] ?? one) : one.target),
    }),
    networks: fc.oneof(fc.constant(["n1"]), fc.constant({ n1: null, n2: { aliases: ["z"], priority: 3 } })),
    cap_add: words,
    dns: fc.oneof(fc.constant("1.1.1.1"), fc.constant(["8.8.8.8", "1.1.1.1"])),
    extra_hosts: fc.constantFrom<unknown>(["a:1.1.1.1", "b=::1"], { a: "1.1.1.1", c: ["2.2.2.2"] }),
    mem_limit: size,
    shm_size: size,
    cpus: fc.constantFrom(0.5, "1.25", 2),
    privileged: fc.boolean(),
    init: fc.boolean(),
    tty: fc.boolean(),
    restart: fc.constantFrom("no", "always", "on-failure:3"),
    stop_grace_period: duration,
    healthcheck: fc.record(
      { test: fc.constantFrom<unknown>("curl x", ["CMD", "x"], ["NONE"]), interval: duration, retries: fc.integer({ min: 0, max: 9 }) },
      { requiredKeys: ["test"] },
    ),
    ulimits: fc.constantFrom({ nofile: 10 }, { nofile: { soft: 1, hard: 2 }, core: 0 }),
    deploy: fc.record(
      {
        replicas: fc.integer({ min: 0, max: 4 }),
        labels: pairs,
        resources: fc.constant({ reservations: { cpus: "0.25" } }),
        placement: fc.constant({}),
      },
      { requiredKeys: [] },
    ),
    depends_on: fc.constantFrom<unknown>(["dep"], { dep: { condition: "service_healthy", required: false } }),
    logging: fc.constant({ driver: "json-file", options: { "max-size": "1m", "max-file": 3 } }),
    sysctls: pairs,
    tmpfs: fc.constantFrom<unknown>("/run", ["/run:size=1m"]),
    secrets: fc.constantFrom<unknown>(["s"], [{ source: "s", target: "t", mode: 0o400 }]),
    hostname: text,
    working_dir: text,
    user: text,
    "x-extra": fc.jsonValue({ maxDepth: 2 }),
  },
  { requiredKeys: ["image"] },
);

/** A project file that loads, as a plain value: any mix of attributes, in short and long forms. */
export const projectFile: Arbitrary<Record<string, unknown>> = fc
  .record({ services: fc.dictionary(fc.constantFrom(...names), service, { minKeys: 1, maxKeys: 3 }), extra: fc.jsonValue({ maxDepth: 2 }) })
  .map(({ services, extra }) => ({
    services: { ...services, dep: { image: "dep" } },
    networks: { n1: null, n2: { driver: "bridge", internal: true } },
    volumes: { v1: null, v2: { labels: { a: 1 } } },
    secrets: { s: { file: "./s.txt" } },
    "x-top": extra,
  }));

/** Values of one environment of a service, as a list or a mapping. */
export const environmentPairs: Arbitrary<unknown> = fc.oneof(
  fc.dictionary(key, scalar, { maxKeys: 4 }),
  fc.uniqueArray(
    fc.tuple(key, text).map(([name, one]) => `${name}=${one}`),
    { maxLength: 4, selector: (pair) => pair.split("=")[0] },
  ),
);

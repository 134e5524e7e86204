import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { installedCompose } from "./installed-compose.ts";

/** How long reading a project takes, as `config -q`, here and in Docker Compose where it is installed: name -> times in ms. */
export function loadingTimes(size: number, o: { directory: string; runs: number; berth: string }): Record<string, number[]> {
  const project = join(o.directory, `config${size}`);
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, "compose.yaml"), projectOf(size));
  const compose = installedCompose();
  const programs: Record<string, string> = { berth: o.berth, ...(compose ? { docker: compose } : {}) };
  const times: Record<string, number[]> = {};
  for (let run = 0; run <= o.runs; run++) {
    for (const [name, program] of Object.entries(programs)) {
      const start = performance.now();
      execFileSync(program, ["config", "-q"], { cwd: project, stdio: "ignore" });
      const ms = performance.now() - start;
      if (run > 0) times[name] = [...(times[name] ?? []), ms];
    }
  }
  return times;
}

/** A project of services as people write them: some twenty lines each. */
function projectOf(size: number): string {
  const service = (n: number) => `  svc${n}:
    image: example/app:\${TAG:-1}
    command: ["run", "--n", "${n}"]
    environment:
      A: "\${A:-x}"
      URL: http://svc${(n + 1) % size}:80
    ports:
      - "127.0.0.1:${20_000 + n}:80"
    volumes:
      - data${n % 20}:/data
      - ./conf:/conf:ro
    networks: [front, back]
    labels:
      - app=svc${n}
    healthcheck:
      test: ["CMD", "true"]
      interval: 5s
      retries: 3
    deploy:
      resources:
        limits: {cpus: "0.5", memory: 64M}
${n > 0 ? `    depends_on:\n      svc${(n - 1) >> 1}:\n        condition: service_healthy\n` : ""}`;
  const services = Array.from({ length: size }, (_, n) => service(n)).join("");
  const volumes = Array.from({ length: 20 }, (_, n) => `  data${n}:\n`).join("");
  return `services:\n${services}networks:\n  front:\n  back:\nvolumes:\n${volumes}`;
}

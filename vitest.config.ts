import { defineConfig } from "vitest/config";

// What a developer's shell has for Docker, Compose, terminals and languages is none of the tests' affair; those that run a part of the engine in their own process
// have the engine's umask.
const foreign =
  /^(BERTH|BUILDKIT|BUILDX|COMPOSE|DOCKER|LC|TESTCONTAINERS)_|^(COLUMNS|LANG|LANGUAGE|LINES|NO_COLOR|TZ)$|^(all|http|https|no)_proxy$/i;
for (const name of Object.keys(process.env)) if (foreign.test(name) && name !== "BERTH_RECORD") delete process.env[name];
process.umask(0o022);

/** Unit tests run beside each other; everything that owns kernel objects runs one file at a time, because two cores are all there may be. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["src/**/*.test.ts"], testTimeout: 20_000, hookTimeout: 60_000 } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts", "test/e2e/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});

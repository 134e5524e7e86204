import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { Crash, ModelBackend, ModelStore } from "../../test/support/model-backend.ts";
import { projectOf } from "../../test/support/project-client.ts";
import type { DependencyCondition, Project, ProjectEvent, Service, UpOptions } from "../api/index.ts";
import { ProjectController } from "./controller.ts";
import { isOneOff, label } from "./labels.ts";

const log = { info: () => {}, warn: () => {} };
const names = ["a", "b", "c", "d"];

/** Services that depend on earlier ones only; what others wait for to complete ends by itself, and what they wait for to be healthy has a check. */
const anyProject: fc.Arbitrary<Project> = fc
  .tuple(
    fc.subarray(names, { minLength: 1 }),
    fc.array(
      fc.record({
        scale: fc.integer({ min: 0, max: 3 }),
        value: fc.constantFrom("1", "2"),
        needs: fc.array(
          fc.constantFrom<DependencyCondition | undefined>(
            "service_started",
            "service_healthy",
            "service_completed_successfully",
            undefined,
          ),
          {
            minLength: 3,
            maxLength: 3,
          },
        ),
        joins: fc.boolean(),
      }),
      { minLength: 4, maxLength: 4 },
    ),
    fc.boolean(),
  )
  .map(([used, definitions, isInternal]) => {
    const services: Record<string, Partial<Service>> = {};
    used.forEach((name, index) => {
      const { scale, value, needs, joins } = definitions[index]!;
      const before = used.slice(0, index);
      const depends_on = Object.fromEntries(
        before.flatMap((other, at) => {
          const condition = needs[at];
          // One that has no container can never be as it is waited for.
          return condition && (services[other]?.scale ?? 1) > 0 ? [[other, { condition, required: true }]] : [];
        }),
      );
      const owner = before.find((other) => (services[other]?.scale ?? 1) > 0);
      services[name] = {
        scale,
        environment: { VALUE: value },
        depends_on,
        ...(joins && owner && scale > 0 ? { pid: `service:${owner}` } : {}),
      };
    });
    for (const { depends_on } of Object.values(services))
      for (const [other, { condition }] of Object.entries(depends_on ?? {})) {
        if (condition === "service_healthy" && services[other]?.command?.[0] !== "once")
          services[other] = { ...services[other], healthcheck: { test: ["CMD", "true"] } };
        if (condition === "service_completed_successfully" && !services[other]?.healthcheck)
          services[other] = { ...services[other], command: ["once"] };
      }
    for (const service of Object.values(services))
      service.depends_on = Object.fromEntries(
        Object.entries(service.depends_on ?? {}).map(([other, dependency]) => {
          const condition = services[other]?.healthcheck
            ? "service_healthy"
            : services[other]?.command
              ? "service_completed_successfully"
              : "service_started";
          return [other, { ...dependency, condition }];
        }),
      );
    return projectOf("p", services, { networks: { default: { name: "p_default", ...(isInternal ? { internal: true } : {}) } } });
  });

const anyOptions: fc.Arbitrary<UpOptions> = fc.record({
  recreate: fc.constantFrom("changed" as const, "always" as const),
  removeOrphans: fc.boolean(),
});

async function up(backend: ModelBackend, store: ModelStore, project: Project, options: UpOptions = {}) {
  const controller = new ProjectController("p", { backend, store, log });
  const events: ProjectEvent[] = [];
  try {
    await controller.up({ project, options }, (event) => events.push(event));
  } finally {
    await controller.close();
    // Those that end by themselves get the time to.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  return events.flatMap((event) => (event.type === "plan" ? [event.text] : [])).join("");
}

/** Exactly what the project asks for is there, each as it is defined. */
function expectAsAsked(backend: ModelBackend, project: Project): void {
  for (const service of Object.values(project.services)) {
    const own = backend.containers.list().filter((one) => one.Config.Labels?.[label.service] === service.name && !isOneOff(one));
    expect(own).toHaveLength(service.scale ?? 1);
    expect(new Set(own.map((one) => one.Config.Labels?.[label.number])).size).toBe(own.length);
    for (const one of own) expect(one.Name).toBe(`/p-${service.name}-${one.Config.Labels?.[label.number]}`);
    for (const one of own) {
      expect(one.Config.Labels?.[label.configHash]).toBe(backend.configHash(service));
      expect(one.State.Status).toBe(service.command?.[0] === "once" ? "exited" : "running");
    }
  }
}

/** A started container's dependencies were started before it. */
function expectOrder(lines: readonly string[], project: Project): void {
  for (const { name, depends_on } of Object.values(project.services))
    for (const other of Object.keys(depends_on ?? {})) {
      const first = lines.findIndex((line) => line.startsWith(`start p-${name}-`));
      const last = lines.findLastIndex((line) => line.startsWith(`start p-${other}-`));
      if (first >= 0 && last >= 0) expect(last, `${other} before ${name}`).toBeLessThan(first);
    }
}

describe("from whatever was there before", () => {
  test.prop([anyProject, anyProject, anyOptions, fc.array(fc.nat(20), { maxLength: 4 })], { numRuns: 60 })(
    "an up arrives at what is asked for, in order, and a second one has nothing to do",
    async (before, project, options, losses) => {
      const [backend, store] = [new ModelBackend(), new ModelStore()];
      await up(backend, store, before);
      const all = [...backend.world.containers.keys()];
      for (const index of losses) if (all[index]) backend.world.containers.delete(all[index]);
      backend.log.length = 0;
      await up(backend, store, project, options);
      expectAsAsked(backend, project);
      expectOrder(backend.log, project);
      expect(new Set(backend.log).size).toBe(backend.log.length);
      const orphans = backend.containers.list().filter((one) => !project.services[one.Config.Labels?.[label.service] ?? ""]);
      if (options.removeOrphans) expect(orphans).toEqual([]);
      // What has ended by itself is started again by each request; nothing else is.
      const isOneShot = Object.values(project.services).some(({ command }) => command?.[0] === "once");
      const again = await up(backend, store, project);
      if (!isOneShot) expect(again).toBe("Nothing to do.\n");
      else expect(again).not.toContain("create");
    },
  );

  test.prop([anyProject, anyProject, fc.nat(25)], { numRuns: 60 })(
    "an engine that is killed after any change leaves it to the next, which finishes it",
    async (before, project, crashAfter) => {
      const store = new ModelStore();
      const first = new ModelBackend();
      await up(first, store, before);
      const doomed = new ModelBackend(first.world);
      doomed.crashAfter = crashAfter;
      const killed = await up(doomed, store, project).catch((error: unknown) => error);
      if (killed instanceof Error && !(killed instanceof Crash) && !(killed.cause instanceof Crash)) throw killed;
      const next = new ModelBackend(first.world);
      // What a killed engine had in hand is in its record still: here the error has taken it out, as only a living engine does.
      await up(next, store, project);
      expectAsAsked(next, project);
    },
  );

  test.prop([anyProject, fc.constantFrom(...names)], { numRuns: 60 })(
    "a service that cannot start fails the up by name, and a later one goes on",
    async (project, broken) => {
      const [backend, store] = [new ModelBackend(), new ModelStore()];
      backend.failsToStart = new Set([broken]);
      const isAffected = (project.services[broken]?.scale ?? 0) > 0;
      const failure = await up(backend, store, project).catch((error: unknown) => error);
      if (isAffected) expect(String(failure)).toContain(`service ${broken}: cannot be started: no such command`);
      backend.failsToStart = new Set();
      await up(backend, store, project);
      expectAsAsked(backend, project);
    },
  );

  test.prop([anyProject], { numRuns: 30 })("a down leaves nothing, dependents going first", async (project) => {
    const [backend, store] = [new ModelBackend(), new ModelStore()];
    await up(backend, store, project);
    backend.log.length = 0;
    const controller = new ProjectController("p", { backend, store, log });
    await controller.down({ volumes: true }, () => {});
    await controller.close();
    expect([backend.world.containers.size, backend.world.networks.size, store.records.size]).toEqual([0, 0, 0]);
    for (const { name, depends_on } of Object.values(project.services))
      for (const other of Object.keys(depends_on ?? {})) {
        const last = backend.log.findLastIndex((line) => line.startsWith(`remove p-${name}-`));
        const first = backend.log.findIndex((line) => line.startsWith(`remove p-${other}-`));
        if (last >= 0 && first >= 0) expect(last).toBeLessThan(first);
      }
  });
});

describe("what one request does", () => {
  it("does not undo what another asked for", async () => {
    const [backend, store] = [new ModelBackend(), new ModelStore()];
    const project = projectOf("p", { web: {}, db: {} });
    await up(backend, store, project, { services: ["db"] });
    await up(backend, store, projectOf("p", { web: {}, db: { environment: { NEW: "1" } } }), { services: ["web"] });
    expect(Object.keys(store.get("p")?.services ?? {}).sort()).toEqual(["db", "web"]);
    expect(store.get("p")?.services["db"]?.definition.environment).toBeUndefined();
  });
});

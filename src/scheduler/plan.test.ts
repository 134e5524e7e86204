import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Action } from "./action.ts";
import { formatPlan } from "./format-plan.ts";
import { dependencyOrder } from "./order.ts";
import { plan } from "./plan.ts";
import type { Desired, DesiredService, Observed, ObservedContainer } from "./state.ts";

const requestedMs = 1_000;

function service(name: string, o: Partial<DesiredService> = {}): DesiredService {
  return {
    name,
    replicas: 1,
    configHash: `hash-${name}`,
    config: {},
    imageId: "image",
    dependsOn: [],
    networks: ["p_default"],
    volumes: [],
    recreate: "changed",
    start: true,
    ...o,
  };
}
function desired(services: DesiredService[], o: Partial<Desired> = {}): Desired {
  return {
    project: "p",
    requestedMs,
    networks: [{ name: "p_default", external: false, hash: "n" }],
    volumes: [],
    services,
    removeOrphans: false,
    known: services.map(({ name }) => name),
    ...o,
  };
}
function container(name: string, number: number, o: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id: `${name}${number}`,
    name: `p-${name}-${number}`,
    service: name,
    number,
    oneOff: false,
    configHash: `hash-${name}`,
    imageId: "image",
    status: "running",
    exitCode: 0,
    health: "none",
    createdMs: 1,
    startedMs: 1,
    dependsOn: [],
    networks: ["p_default"],
    ...o,
  };
}
function observed(containers: ObservedContainer[], o: Partial<Observed> = {}): Observed {
  return { networks: new Map([["p_default", "n"]]), volumes: new Map(), containers, configs: new Map(), ...o };
}
const dependsOn = (name: string, condition: "service_started" | "service_healthy" | "service_completed_successfully", restart = false) => ({
  service: name,
  condition,
  restart,
  required: true,
});
const lines = (text: string) => text.trimEnd().split("\n");

/** What the world is after an action was done as it should be. */
function apply(action: Action, state: Observed, wanted: Desired, clock: number): Observed {
  const of = (name: string) => wanted.services.find((one) => one.name === name) ?? service(name);
  const fresh = (name: string, number: number): ObservedContainer => ({
    ...container(name, number),
    id: `${name}${number}@${clock}`,
    configHash: of(name).configHash,
    imageId: of(name).imageId ?? "built",
    status: "created",
    createdMs: requestedMs + clock,
    startedMs: 0,
    networks: of(name).networks,
  });
  const without = (gone: ObservedContainer) => state.containers.filter((other) => other.id !== gone.id);
  const started = (name: string, number: number) =>
    state.containers.map((one) => {
      if (one.service !== name || one.number !== number || one.oneOff) return one;
      return { ...one, status: "running" as const, health: "healthy" as const, startedMs: requestedMs + clock };
    });
  switch (action.kind) {
    case "create-network":
    case "recreate-network":
      return { ...state, networks: new Map(state.networks).set(action.name, "n") };
    case "create-volume":
      return { ...state, volumes: new Map(state.volumes).set(action.name, "v") };
    case "create":
      return { ...state, containers: [...state.containers, fresh(action.service, action.number)] };
    case "recreate":
      return { ...state, containers: [...without(action.container), fresh(action.service, action.container.number)] };
    case "remove":
      return { ...state, containers: without(action.container) };
    case "start":
    case "restart":
      return { ...state, containers: started(action.service, action.number) };
    case "wait":
      if (action.dependency.condition !== "service_completed_successfully") return state;
      return {
        ...state,
        containers: state.containers.map((one) =>
          one.service === action.dependency.service ? { ...one, status: "exited" as const } : one,
        ),
      };
    default:
      return state;
  }
}

/** Services whose end a plan waits for. */
const waitedToEnd = (actions: readonly Action[]): string[] =>
  actions.flatMap((action) =>
    action.kind === "wait" && action.dependency.condition === "service_completed_successfully" ? [action.service] : [],
  );

/** Images are there after a build: the next request of the plan knows their ids. */
const built = (wanted: Desired): Desired => ({
  ...wanted,
  services: wanted.services.map(({ image: _, ...rest }) => ({ ...rest, imageId: rest.imageId ?? "built" })),
});

const names = ["a", "b", "c", "d"];
const anyService = fc.record({
  replicas: fc.integer({ min: 0, max: 3 }),
  configHash: fc.constantFrom("h1", "h2"),
  imageId: fc.constantFrom("image", "other", undefined),
  recreate: fc.constantFrom("changed" as const, "always" as const, "never" as const),
  start: fc.boolean(),
  volumes: fc.subarray(["p_data"]),
});
const anyDesired: fc.Arbitrary<Desired> = fc
  .tuple(
    fc.subarray(names, { minLength: 1 }),
    fc.array(anyService, { minLength: 4, maxLength: 4 }),
    fc.array(
      fc.tuple(
        fc.constantFrom("service_started" as const, "service_healthy" as const, "service_completed_successfully" as const),
        fc.boolean(),
        fc.boolean(),
      ),
      { minLength: 6, maxLength: 6 },
    ),
    fc.boolean(),
  )
  .map(([used, definitions, edges, removeOrphans]) => {
    const services = used.map((name, index) => {
      const { imageId, ...definition } = definitions[index] ?? {
        replicas: 1,
        configHash: "h1",
        imageId: "image",
        recreate: "changed" as const,
        start: true,
        volumes: [],
      };
      // Only on earlier ones: no cycle.
      const dependencies = used.slice(0, index).flatMap((other, at) => {
        const [condition, restart, there] = edges[(index + at) % edges.length] ?? ["service_started" as const, false, false];
        return there ? [{ service: other, condition, restart, required: true }] : [];
      });
      const image = imageId === undefined ? { image: { action: "build" as const, because: "it is missing" } } : {};
      return { ...service(name), ...definition, imageId, ...image, dependsOn: dependencies };
    });
    return desired(services, { removeOrphans, volumes: [{ name: "p_data", external: false, hash: "v" }] });
  });
const anyObserved: fc.Arbitrary<Observed> = fc
  .tuple(
    fc.array(
      fc.record({
        service: fc.constantFrom(...names, "gone"),
        number: fc.integer({ min: 1, max: 4 }),
        configHash: fc.constantFrom("h1", "h2"),
        imageId: fc.constantFrom("image", "other", "built"),
        status: fc.constantFrom(
          "created" as const,
          "running" as const,
          "exited" as const,
          "paused" as const,
          "restarting" as const,
          "dead" as const,
        ),
        oneOff: fc.boolean(),
        health: fc.constantFrom("none" as const, "healthy" as const, "unhealthy" as const),
        exitCode: fc.constantFrom(0, 1),
        startedMs: fc.constantFrom(0, 10, requestedMs + 1),
      }),
      { maxLength: 8 },
    ),
    fc.boolean(),
    fc.constantFrom("n", "other", ""),
  )
  .map(([list, hasNetwork, hash]) =>
    observed(
      list.map((one, index) => ({
        ...container(one.service, one.number),
        ...one,
        id: `c${index}`,
        name: `p-${one.service}-${one.number}-${index}`,
        createdMs: index,
      })),
      { networks: new Map(hasNetwork ? [["p_default", hash]] : []) },
    ),
  );

describe("from any state", () => {
  test.prop([anyDesired, anyObserved], { numRuns: 500 })("the plan's actions lead to a state whose plan is empty", (wanted, start) => {
    let [state, clock] = [start, 1];
    let goal = wanted;
    // A build makes the image known, and what it changes is the next plan.
    for (let round = 0; round < 2; round++) {
      const { actions } = plan(goal, state);
      for (const action of actions) state = apply(action, state, goal, clock++);
      goal = { ...built(goal), completed: new Set([...(goal.completed ?? []), ...waitedToEnd(actions)]) };
    }
    expect(plan(goal, state).actions).toEqual([]);
  });

  test.prop([anyDesired, anyObserved], { numRuns: 500 })(
    "no action is done twice, and each comes after those it needs",
    (wanted, start) => {
      const { actions } = plan(wanted, start);
      const done = new Set<string>();
      for (const action of actions) {
        expect(done.has(action.id), action.id).toBe(false);
        for (const id of action.after) expect(done.has(id), `${action.id} after ${id}`).toBe(true);
        done.add(action.id);
      }
      const touched = actions.flatMap((action) => ("container" in action ? [action.container.id] : []));
      expect(new Set(touched).size).toBe(touched.length);
    },
  );

  test.prop([anyDesired, anyObserved], { numRuns: 300 })(
    "what is not asked for is left alone: one-off containers and orphans",
    (wanted, start) => {
      for (const action of plan(wanted, start).actions) {
        if (!("container" in action)) continue;
        expect(action.container.oneOff).toBe(false);
        if (!wanted.known.includes(action.container.service)) expect(wanted.removeOrphans).toBe(true);
      }
    },
  );
});

describe("reasons", () => {
  it("name the keys that changed", () => {
    const old = observed([container("web", 1, { configHash: "old" })], {
      configs: new Map([["old", { image: "x", environment: { A: "1" } }]]),
    });
    const text = formatPlan(plan(desired([service("web", { config: { image: "x", environment: { A: "2" }, ports: [] } })]), old));
    expect(lines(text)).toEqual(["recreate p-web-1: environment, ports changed", "start web #1: environment, ports changed"]);
  });

  it("say that nothing is to be done", () => {
    expect(formatPlan(plan(desired([service("web")]), observed([container("web", 1)])))).toBe("Nothing to do.\n");
  });
});

describe("dependencies", () => {
  const text = (services: DesiredService[], containers: ObservedContainer[]) =>
    lines(formatPlan(plan(desired(services), observed(containers))));

  it("are waited for as the condition says, once for all that wait", () => {
    const db = service("db");
    const [one, two] = ["one", "two"].map((name) => service(name, { dependsOn: [dependsOn("db", "service_healthy")] }));
    const { actions } = plan(desired([one!, two!, db]), observed([]));
    const waits = actions.filter((action) => action.kind === "wait");
    expect(waits).toHaveLength(1);
    for (const name of ["one", "two"]) expect(actions.find((action) => action.id === `Start ${name} #1`)?.after).toContain(waits[0]?.id);
    expect(waits[0]?.after).toEqual(["Start db #1"]);
  });

  it("that are as they should be are not waited for", () => {
    const web = service("web", { dependsOn: [dependsOn("db", "service_healthy")] });
    expect(text([service("db"), web], [container("db", 1, { health: "healthy" })])).toEqual([
      "create web #1: it does not exist",
      "start web #1: it was made",
    ]);
  });

  it("that are made again restart those that asked for it, and only those", () => {
    const services = [
      service("db", { configHash: "new" }),
      service("web", { dependsOn: [dependsOn("db", "service_started", true)] }),
      service("other", { dependsOn: [dependsOn("db", "service_started")] }),
    ];
    expect(text(services, [container("db", 1), container("web", 1), container("other", 1)])).toEqual([
      "recreate p-db-1: its configuration changed",
      "start db #1: its configuration changed",
      "restart web #1: db is made again",
    ]);
  });

  it("that are scaled down are waited for without what goes", () => {
    const web = service("web", { dependsOn: [dependsOn("db", "service_healthy")] });
    const containers = [container("db", 1, { health: "starting" }), container("db", 2)];
    const { actions } = plan(desired([service("db"), web]), observed(containers));
    expect(actions.find((action) => action.kind === "wait")?.after).toEqual(["Container p-db-2"]);
    const healthy = [container("db", 1, { health: "healthy" }), container("db", 2, { status: "exited" })];
    expect(plan(desired([service("db"), web]), observed(healthy)).actions.some((action) => action.kind === "wait")).toBe(false);
  });

  it("in a cycle are told as the cycle", () => {
    const cycle = new Map([
      ["web", ["db"]],
      ["db", ["queue"]],
      ["queue", ["web"]],
      ["other", ["web"]],
    ]);
    expect(() => dependencyOrder(cycle)).toThrow("dependency cycle: web -> db -> queue -> web");
  });
});

describe("scale", () => {
  const text = (replicas: number, containers: ObservedContainer[]) =>
    lines(formatPlan(plan(desired([service("web", { replicas })]), observed(containers))));

  it("down removes the highest numbers", () => {
    expect(text(1, [container("web", 1), container("web", 2)])).toEqual(["remove p-web-2: scaled to 1"]);
  });

  it("up fills the numbers that are free", () => {
    expect(text(3, [container("web", 1), container("web", 3)])).toEqual(["create web #2: scaled to 3", "start web #2: it was made"]);
  });
});

describe("a container that ended", () => {
  it("while its end was waited for has had its turn", () => {
    const job = observed([container("job", 1, { status: "exited", startedMs: 1 })]);
    expect(plan({ ...desired([service("job")]), completed: new Set(["job"]) }, job).actions).toEqual([]);
    expect(plan(desired([service("job")]), job).actions).toHaveLength(1);
  });

  it("is started once for a request", () => {
    const exited = (startedMs: number) => observed([container("web", 1, { status: "exited", exitCode: 3, startedMs })]);
    expect(lines(formatPlan(plan(desired([service("web")]), exited(1))))).toEqual(["start web #1: it is not running (exit code 3)"]);
    expect(plan(desired([service("web")]), exited(requestedMs + 5)).actions).toEqual([]);
  });
});

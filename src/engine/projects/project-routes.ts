import type {
  DownOptions,
  ProjectAction,
  ProjectBuild,
  ProjectEvent,
  ProjectPut,
  ProjectStreamEvent,
  ProjectTransfer,
  ProjectWatchRequest,
  RunRequest,
} from "../../api/index.ts";
import { actionKinds, type Tell, wireError } from "../../scheduler/index.ts";
import { BerthError } from "../../system/index.ts";
import { type Call, jsonStream, type Route, route, sendEmpty, sendJson } from "../http/http.ts";
import { jsonBody } from "../http/json-body.ts";
import { buildProject, pullProject, pushProject } from "./project-transfers.ts";
import type { Projects } from "./projects.ts";

/** /projects/...: Berth's own part of the API. What changes something answers with a stream of ProjectEvents that ends with the result. */
export function projectRoutes(projects: Projects): Route[] {
  const name = projectNameOf;
  return [
    route("GET", "/projects", ({ response }) => sendJson(response, 200, projects.list())),
    route("GET", "/projects/{name}", (call) => sendJson(call.response, 200, projects.status(name(call)))),
    route("GET", "/projects/{name}/definition", (call) => sendJson(call.response, 200, projects.definition(name(call)))),
    route("GET", "/projects/{name}/events", async (call) => {
      const project = name(call);
      await follow(call, (tell) => projects.listen(project, tell));
    }),
    route("PUT", "/projects/{name}", async (call) => {
      const body = await jsonBody<ProjectPut>(call.request);
      checkProject(body.project, name(call));
      await stream(projects, call, (tell) =>
        projects.controller(name(call)).up({ project: body.project, options: body.options ?? {} }, tell),
      );
    }),
    route("DELETE", "/projects/{name}", async (call) => {
      const options = await jsonBody<DownOptions>(call.request);
      await stream(projects, call, (tell) => projects.controller(name(call)).down(options, tell));
    }),
    ...actionKinds.map((kind) =>
      route("POST", `/projects/{name}/${kind}`, async (call) => {
        const action = await jsonBody<ProjectAction>(call.request);
        await stream(projects, call, (tell) => projects.controller(name(call)).act(kind, action, tell));
      }),
    ),
    route("POST", "/projects/{name}/watch", async (call) => {
      const request = await jsonBody<ProjectWatchRequest>(call.request);
      if (request.project) checkProject(request.project, name(call));
      await stream(projects, call, (tell) => projects.controller(name(call)).watch(request, tell));
    }),
    route("GET", "/projects/{name}/watch", async (call) => {
      projects.status(name(call));
      await follow(call, (tell) => projects.controller(name(call)).listen(tell));
    }),
    route("POST", "/projects/{name}/cancel", (call) => {
      projects.controller(name(call)).cancel();
      sendEmpty(call.response, 204);
    }),
    route("POST", "/projects/{name}/run", async (call) => {
      const request = await jsonBody<RunRequest>(call.request);
      checkProject(request.project, name(call));
      await stream(projects, call, (tell) => projects.controller(name(call)).run(request, tell));
    }),
    route("POST", "/projects/{name}/build", async (call) => {
      const request = await jsonBody<ProjectBuild>(call.request);
      checkProject(request.project, name(call));
      await stream(projects, call, (tell) => buildProject(projects.backend, request, tell, call.signal));
    }),
    route("POST", "/projects/{name}/pull", async (call) => {
      const request = await jsonBody<ProjectTransfer>(call.request);
      checkProject(request.project, name(call));
      await stream(projects, call, (tell) => pullProject(projects.backend, request, tell, call.signal));
    }),
    route("POST", "/projects/{name}/push", async (call) => {
      const request = await jsonBody<ProjectTransfer>(call.request);
      checkProject(request.project, name(call));
      await stream(projects, call, (tell) => pushProject(projects.backend, request, tell, call.signal));
    }),
  ];
}

/** @throws BerthError api/bad-parameter */
export function projectNameOf(call: Call): string {
  const text = decodeURIComponent(call.params[0] ?? "");
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(text))
    throw new BerthError("api/bad-parameter", `"${text}" is not a project's name: it must be lower case letters, digits, "-" and "_"`);
  return text;
}

/** Events as they come, also to those who follow the project, then the result; an error is a result too. Work that answers a text made the container of that id. */
export async function stream(projects: Projects, call: Call, work: (tell: Tell) => Promise<unknown>): Promise<void> {
  const name = projectNameOf(call);
  const out = jsonStream(call.response);
  const send = (event: ProjectEvent) => {
    projects.tell(name, event);
    if (!call.response.writableEnded && !call.response.destroyed) out.send(event);
  };
  try {
    const containerId = await work(send);
    send({ type: "result", ok: true, ...(typeof containerId === "string" ? { containerId } : {}) });
  } catch (error) {
    send({ type: "result", ok: false, error: wireError(error) });
  }
  if (!call.response.destroyed) out.end();
}

/** What is told from now on, until the client goes away. */
async function follow(call: Call, listen: (tell: (event: ProjectStreamEvent) => void) => () => void): Promise<void> {
  const out = jsonStream(call.response);
  const stop = listen((event) => call.response.destroyed || out.send(event));
  await new Promise((resolve) => call.signal.addEventListener("abort", resolve, { once: true }));
  stop();
}

function checkProject(project: ProjectPut["project"] | undefined, name: string): void {
  if (!project || typeof project.services !== "object")
    throw new BerthError("api/bad-parameter", "the request has no project", { hint: "`berth` sends it; docs/openapi.yaml describes it." });
  if (project.name !== name) throw new BerthError("api/bad-parameter", `the project is called "${project.name}", the path says "${name}"`);
}

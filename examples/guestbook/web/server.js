// The page and the API. Every answer about entries comes from Postgres, asked through the queue: this process cannot reach the database.
const http = require("http");
const { randomUUID } = require("crypto");
const { createClient } = require("redis");

const queue = createClient({ url: process.env.QUEUE_URL });
// BLPOP keeps its connection busy while it waits, so answers have one of their own.
const answers = queue.duplicate();
for (const client of [queue, answers]) client.on("error", (error) => console.error("redis:", error.message));

/** Puts one job on the queue and waits up to five seconds for the worker's answer. */
async function ask(job) {
  const replyTo = `reply:${randomUUID()}`;
  await queue.rPush("jobs", JSON.stringify({ ...job, replyTo }));
  const reply = await answers.executeIsolated((client) => client.blPop(replyTo, 5));
  if (!reply) throw new Error("the worker did not answer within 5 seconds");
  return JSON.parse(reply.element);
}

async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (entries) => `<!doctype html>
<title>Guestbook</title>
<h1>Guestbook</h1>
<form method="post" action="/sign"><input name="text" required maxlength="200"> <button>Sign</button></form>
<ul>
${entries.map((entry) => `  <li>${escape(entry.text)} <small>${entry.at}</small></li>`).join("\n")}
</ul>
`;

async function handle(request, response) {
  const send = (status, type, text, headers = {}) => response.writeHead(status, { "content-type": type, ...headers }).end(text);
  const route = `${request.method} ${request.url}`;
  if (route === "GET /health") return send(200, "text/plain", (await queue.ping()) + "\n");
  if (route === "GET /") return send(200, "text/html; charset=utf-8", page((await ask({ type: "list" })).entries));
  if (route === "GET /api/entries") return send(200, "application/json", JSON.stringify((await ask({ type: "list" })).entries));
  if (route === "POST /api/entries") {
    const { text } = JSON.parse(await body(request));
    return send(201, "application/json", JSON.stringify((await ask({ type: "add", text: String(text) })).entry));
  }
  if (route === "POST /sign") {
    await ask({ type: "add", text: new URLSearchParams(await body(request)).get("text") ?? "" });
    return send(303, "text/plain", "", { location: "/" });
  }
  return send(404, "text/plain", "not found\n");
}

const server = http.createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(`${request.method} ${request.url}:`, error.message);
    response.writeHead(error instanceof SyntaxError ? 400 : 502, { "content-type": "text/plain" }).end(`${error.message}\n`);
  });
});

Promise.all([queue.connect(), answers.connect()]).then(() => server.listen(8080, () => console.log("web listens on 8080")));

process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});

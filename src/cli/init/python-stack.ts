import { dockerfile, neededServices, type ProjectFiles, type Stack } from "./stack.ts";

/** Django, FastAPI, Flask or a plain program, with its packages by pip, Poetry or uv. */
export function python(files: ProjectFiles): Stack | undefined {
  const manifest = (files.has("uv.lock") || files.has("poetry.lock") ? ["pyproject.toml"] : ["requirements.txt", "pyproject.toml"]).find(
    (name) => files.has(name),
  );
  if (!manifest && !files.has("manage.py")) return undefined;
  const text = files.read(manifest ?? "");
  const installed = dependencies(files, manifest, text);
  const module = ["main", "app", "server", "src/main"].find((name) => files.has(`${name}.py`)) ?? "main";
  const dotted = module.replaceAll("/", ".");
  const [port, command] = files.has("manage.py")
    ? [8000, ["python", "manage.py", "runserver", "0.0.0.0:8000"]]
    : /\b(fastapi|uvicorn|starlette)\b/i.test(text)
      ? [8000, ["uvicorn", `${dotted}:app`, "--host", "0.0.0.0", "--port", "8000", "--reload"]]
      : /\bflask\b/i.test(text)
        ? [5000, ["flask", "--app", dotted, "run", "--host", "0.0.0.0", "--port", "5000", "--debug"]]
        : [8000, ["python", "-u", `${module}.py`]];
  const reloads = command[0] !== "python" || files.has("manage.py");
  return {
    language: "Python",
    port,
    dockerfile: dockerfile("python:3.13-slim", [
      "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
      ...installed.lines,
      `CMD ${JSON.stringify(command)}`,
    ]),
    ignore: ["__pycache__", "**/__pycache__", ".venv", "venv", ".git", "*.pyc"],
    watch: [
      {
        action: reloads ? "sync" : "sync+restart",
        path: ".",
        target: "/app",
        ignore: [".venv/", "venv/", "**/__pycache__/", ...installed.from],
        why: reloads ? "sources are copied; the server reloads them" : "sources are copied, and the program starts again",
      },
      ...installed.from.map((path) => ({ action: "rebuild" as const, path, why: "other dependencies need another image" })),
    ],
    needs: neededServices(text),
  };
}

/** The lines that install what the project needs and copy its sources, and the files that decide on it. The packages are outside of /app, which is copied over. */
function dependencies(
  files: ProjectFiles,
  manifest: string | undefined,
  text: string,
): { lines: readonly string[]; from: readonly string[] } {
  if (files.has("uv.lock"))
    return {
      lines: [
        "ENV UV_PROJECT_ENVIRONMENT=/opt/venv PATH=/opt/venv/bin:$PATH",
        "RUN pip install --no-cache-dir uv",
        "COPY pyproject.toml uv.lock ./",
        "RUN uv sync --frozen --no-install-project",
        "COPY . .",
      ],
      from: ["uv.lock"],
    };
  if (files.has("poetry.lock") || /^\[tool\.poetry/m.test(text)) {
    const from = files.has("poetry.lock") ? ["poetry.lock"] : ["pyproject.toml"];
    return {
      lines: [
        "ENV POETRY_VIRTUALENVS_CREATE=false",
        "RUN pip install --no-cache-dir poetry",
        `COPY ${[...new Set(["pyproject.toml", ...from])].join(" ")} ./`,
        "RUN poetry install --no-root --no-interaction",
        "COPY . .",
      ],
      from,
    };
  }
  if (manifest === "requirements.txt")
    return { lines: ["COPY requirements.txt ./", "RUN pip install --no-cache-dir -r requirements.txt", "COPY . ."], from: [manifest] };
  if (manifest) return { lines: ["COPY . .", "RUN pip install --no-cache-dir ."], from: [manifest] };
  return { lines: ["COPY . .", "RUN pip install --no-cache-dir django"], from: [] };
}

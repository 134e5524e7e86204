import { python } from "./python-stack.ts";
import { dockerfile, neededServices, type ProjectFiles, type Stack } from "./stack.ts";

/** The first kind that the directory is of; Rails before Ruby's others, because it has a Gemfile and often a package.json too. */
export function detectStack(files: ProjectFiles): Stack | undefined {
  return rails(files) ?? php(files) ?? python(files) ?? go(files) ?? node(files);
}

function node(files: ProjectFiles): Stack | undefined {
  if (!files.has("package.json")) return undefined;
  const manifest = parsed(files.read("package.json"));
  const scripts = (manifest["scripts"] ?? {}) as Record<string, string>; // only looked at by name
  const [lock, install] = files.has("pnpm-lock.yaml")
    ? ["pnpm-lock.yaml", "RUN corepack enable && pnpm install --frozen-lockfile"]
    : files.has("yarn.lock")
      ? ["yarn.lock", `RUN corepack enable && yarn install ${files.has(".yarnrc.yml") ? "--immutable" : "--frozen-lockfile"}`]
      : files.has("package-lock.json")
        ? ["package-lock.json", "RUN npm ci"]
        : [undefined, "RUN npm install"];
  const main =
    typeof manifest["main"] === "string" ? manifest["main"] : ["server.js", "index.js", "src/index.js"].find((one) => files.has(one));
  const command = scripts["dev"] ? ["npm", "run", "dev"] : scripts["start"] ? ["npm", "start"] : ["node", "--watch", main ?? "index.js"];
  const restarts = scripts["dev"] !== undefined || command[0] === "node";
  return {
    language: "Node.js",
    port: /\bvite\b/.test(scripts["dev"] ?? "") ? 5173 : 3000,
    dockerfile: dockerfile("node:22-slim", [
      `COPY ${["package.json", lock, ...[".npmrc", ".yarnrc.yml", "pnpm-workspace.yaml"].filter((one) => files.has(one))].filter(Boolean).join(" ")} ./`,
      install,
      "COPY . .",
      "ENV HOST=0.0.0.0",
      `CMD ${JSON.stringify(command)}`,
    ]),
    ignore: ["node_modules", "dist", ".git", "*.log"],
    watch: [
      {
        action: restarts ? "sync" : "sync+restart",
        path: ".",
        target: "/app",
        ignore: ["node_modules/", ...(lock ? [lock] : []), "package.json"],
        why: restarts ? "sources are copied; the development server reloads them" : "sources are copied, and the server starts again",
      },
      { action: "rebuild", path: lock ?? "package.json", why: "other dependencies need another image" },
    ],
    needs: neededServices(JSON.stringify({ ...(manifest["dependencies"] as object), ...(manifest["devDependencies"] as object) })),
  };
}

function go(files: ProjectFiles): Stack | undefined {
  if (!files.has("go.mod")) return undefined;
  const program = files.has("main.go") ? "." : `./cmd/${files.list("cmd")[0] ?? "server"}`;
  const version = /^go (\d+\.\d+)/m.exec(files.read("go.mod"))?.[1] ?? "1.25";
  return {
    language: "Go",
    port: 8080,
    dockerfile: [
      `FROM golang:${version} AS build`,
      "WORKDIR /src",
      `COPY go.mod ${files.has("go.sum") ? "go.sum " : ""}./`,
      "RUN go mod download",
      "COPY . .",
      `RUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 go build -o /server ${program}`,
      "",
      "FROM scratch",
      "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/",
      "COPY --from=build /server /server",
      "EXPOSE 8080",
      'CMD ["/server"]',
      "",
    ].join("\n"),
    ignore: [".git", "bin", "vendor"],
    watch: [{ action: "rebuild", path: ".", ignore: ["**/*_test.go", "bin/"], why: "each saved source is compiled into a new image" }],
    needs: neededServices(files.read("go.mod")),
  };
}

function rails(files: ProjectFiles): Stack | undefined {
  const gemfile = files.read("Gemfile");
  if (!/^\s*gem\s+["']rails["']/m.test(gemfile)) return undefined;
  const version = /^ruby\s+["']~?>?\s*(\d+\.\d+)/m.exec(gemfile)?.[1] ?? /(\d+\.\d+)/.exec(files.read(".ruby-version"))?.[1] ?? "3.4";
  const libraries = /["'](mysql2|trilogy)["']/.test(gemfile) ? "default-libmysqlclient-dev libpq-dev" : "libpq-dev";
  return {
    language: "Ruby on Rails",
    port: 3000,
    dockerfile: dockerfile(`ruby:${version}-slim`, [
      aptInstall(`build-essential git ${libraries} libyaml-dev pkg-config`),
      `COPY Gemfile ${files.has("Gemfile.lock") ? "Gemfile.lock " : ""}./`,
      "RUN bundle install",
      "COPY . .",
      'CMD ["bin/rails", "server", "-b", "0.0.0.0"]',
    ]),
    ignore: [".git", "log/*", "tmp/*", "node_modules", "storage/*"],
    watch: [
      {
        action: "sync",
        path: ".",
        target: "/app",
        ignore: ["log/", "tmp/", "node_modules/", "Gemfile*"],
        why: "sources are copied; Rails loads them with the next request",
      },
      { action: "rebuild", path: files.has("Gemfile.lock") ? "Gemfile.lock" : "Gemfile", why: "other gems need another image" },
    ],
    needs: neededServices(gemfile.replaceAll(/^\s*#.*$/gm, "")),
  };
}

function php(files: ProjectFiles): Stack | undefined {
  if (!files.has("composer.json") && !files.has("index.php") && !files.has("public/index.php")) return undefined;
  const manifest = files.read("composer.json");
  const isLaravel = files.has("artisan");
  const root = files.has("public/index.php") ? "public" : ".";
  const needs = neededServices(manifest);
  const extensions = [
    /pgsql|"doctrine|laravel/.test(manifest) && "pdo_pgsql",
    /mysql|"doctrine|laravel/.test(manifest) && "pdo_mysql",
  ].filter(Boolean);
  const composer = manifest
    ? [
        // composer unpacks with unzip, and fetches with git what has no archive.
        aptInstall(`git unzip${extensions.includes("pdo_pgsql") ? " libpq-dev" : ""}`),
        ...(extensions.length > 0 ? [`RUN docker-php-ext-install ${extensions.join(" ")}`] : []),
        "COPY --from=composer:2 /usr/bin/composer /usr/bin/composer",
        `COPY composer.json ${files.has("composer.lock") ? "composer.lock " : ""}./`,
        "RUN composer install --no-interaction --no-scripts --no-autoloader",
        "COPY . .",
        "RUN composer dump-autoload",
      ]
    : ["COPY . ."];
  const command = isLaravel
    ? ["php", "artisan", "serve", "--host", "0.0.0.0", "--port", "8000"]
    : ["php", "-S", "0.0.0.0:8000", "-t", root];
  return {
    language: "PHP",
    port: 8000,
    dockerfile: dockerfile("php:8.4-cli", [...composer, `CMD ${JSON.stringify(command)}`]),
    ignore: [".git", "vendor", "node_modules"],
    watch: [
      {
        action: "sync",
        path: ".",
        target: "/app",
        ignore: ["vendor/", "node_modules/", "composer.*"],
        why: "sources are copied; the next request runs them",
      },
      ...(manifest
        ? [
            {
              action: "rebuild" as const,
              path: files.has("composer.lock") ? "composer.lock" : "composer.json",
              why: "other packages need another image",
            },
          ]
        : []),
    ],
    needs,
  };
}

function aptInstall(packages: string): string {
  return `RUN apt-get update \\\n && apt-get install -y --no-install-recommends ${packages} \\\n && rm -rf /var/lib/apt/lists/*`;
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}; // an object is a record of what nobody knows
  } catch {
    return {};
  }
}

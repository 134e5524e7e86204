import type { Position } from "./dockerfile/dockerfile-error.ts";
import { nearest } from "./dockerfile/dockerfile-error.ts";
import { type ExpandText, expander } from "./metadata-instructions.ts";
import type { Progress } from "./progress.ts";
import type { Session } from "./session.ts";
import { type StageState, withMetadata } from "./stage-state.ts";

type VariablesSession = Pick<Session, "dockerfile" | "globals" | "request"> & { readonly progress: Pick<Progress, "warn"> };

/** The variables of one build: what its instructions' words become, and what is said of those that nothing sets. */
export class Variables {
  /** Names of build arguments that some stage declared. */
  readonly usedArgs = new Set<string>();
  readonly #session: VariablesSession;
  readonly #warned = new Set<string>();

  constructor(session: VariablesSession) {
    this.#session = session;
  }

  /** Expands words as an instruction sees them. */
  text(place: Position, state: StageState): ExpandText {
    return expander(
      (name) => state.scope.get(name),
      this.#session.dockerfile.directives.escape,
      (name) => {
        if (state.declaredArgs.has(name)) return;
        const meant = nearest(name, [...state.scope.keys()]);
        this.#warnOnce(`Usage of undefined variable '$${name}'${meant ? ` (did you mean $${meant}?)` : ""}`, "UndefinedVar", place);
      },
    );
  }

  /** The same for FROM, which sees the global ARGs. */
  textOfFrom(place: Position): ExpandText {
    const { dockerfile, globals } = this.#session;
    const declared = new Set(dockerfile.globalArgs.flatMap(({ args }) => args.map((arg) => arg.name)));
    return expander(
      (name) => globals.get(name),
      dockerfile.directives.escape,
      (name) => declared.has(name) || this.#warnOnce(`FROM argument '${name}' is not declared`, "UndefinedArgInFrom", place),
    );
  }

  /** All ARGs of one line: a default sees those before it. One entry of history. */
  declareArgs(state: StageState, declared: readonly { name: string; default?: string }[], place: Position): StageState {
    const { request, globals } = this.#session;
    const [scope, args, declaredArgs] = [new Map(state.scope), new Map(state.args), new Set(state.declaredArgs)];
    const shown = declared.map(({ name, default: written }) => {
      declaredArgs.add(name);
      this.usedArgs.add(name);
      const given = Object.hasOwn(request.args, name) ? (request.args[name] ?? process.env[name]) : undefined;
      const value = given ?? (written === undefined ? globals.get(name) : this.text(place, { ...state, scope, declaredArgs })(written));
      if (value === undefined) return name;
      scope.set(name, value);
      args.set(name, value);
      return `${name}=${value}`;
    });
    return withMetadata(state, `ARG ${shown.join(" ")}`, { declaredArgs, args, scope });
  }

  #warnOnce(message: string, rule: string, place: Position): void {
    const { check } = this.#session.dockerfile.directives;
    const key = `${place.line} ${rule} ${message}`;
    if (this.#warned.has(key) || check?.skipAll || check?.skip.includes(rule)) return;
    this.#warned.add(key);
    this.#session.progress.warn(message, rule, place);
  }
}

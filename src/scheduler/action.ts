import type { Dependency, ObservedContainer } from "./state.ts";

/** One step. `after` names the ids of the steps that have to be done first. */
export type Action = {
  readonly id: string;
  /** Why it is in the plan, for people. */
  readonly because: string;
  readonly after: readonly string[];
  /** The service that it is for; a network or volume has none. */
  readonly service?: string;
} & (
  | { readonly kind: "create-network"; readonly name: string }
  /** `keeps`: the containers that are on it and that no other step makes again or removes. */
  | { readonly kind: "recreate-network"; readonly name: string; readonly keeps: readonly string[] }
  | { readonly kind: "create-volume"; readonly name: string }
  | { readonly kind: "build"; readonly service: string }
  | { readonly kind: "pull"; readonly service: string }
  | { readonly kind: "create"; readonly service: string; readonly number: number }
  | { readonly kind: "recreate"; readonly service: string; readonly container: ObservedContainer }
  /** The service's container of that number, whichever the steps before made of it. */
  | { readonly kind: "start"; readonly service: string; readonly number: number }
  | { readonly kind: "restart"; readonly service: string; readonly number: number }
  | { readonly kind: "wait"; readonly service: string; readonly dependency: Dependency }
  | { readonly kind: "remove"; readonly service: string; readonly container: ObservedContainer }
);

export interface Plan {
  /** In an order in which they could be done one after the other. */
  readonly actions: readonly Action[];
  /** What differs and is left as it is. */
  readonly warnings: readonly string[];
}

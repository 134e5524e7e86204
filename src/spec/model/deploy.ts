import type { Deploy, DeviceReservation } from "../../api/project.ts";
import { type Codec, list, struct } from "./codec.ts";
import { bytes, count, decimal, deviceCount, duration, durationOrNone, integer, pairs, strings, text, word } from "./values.ts";

export const deviceRequest: Codec<DeviceReservation> = struct<DeviceReservation>({
  capabilities: strings,
  driver: text,
  count: deviceCount,
  device_ids: strings,
  options: pairs,
});

type UpdateConfig = NonNullable<Deploy["update_config"]>;
type Resources = NonNullable<Deploy["resources"]>;
type Limits = NonNullable<Resources["limits"]>;
type Reservations = NonNullable<Resources["reservations"]>;
type GenericResource = NonNullable<Reservations["generic_resources"]>[number];
type RestartPolicy = NonNullable<Deploy["restart_policy"]>;
type Placement = NonNullable<Deploy["placement"]>;

const updateConfig: Codec<UpdateConfig> = struct<UpdateConfig>({
  parallelism: count,
  delay: durationOrNone,
  failure_action: text,
  monitor: durationOrNone,
  max_failure_ratio: decimal,
  order: text,
});

export const deploy: Codec<Deploy> = struct<Deploy>({
  mode: text,
  replicas: count,
  labels: pairs,
  update_config: updateConfig,
  rollback_config: updateConfig,
  resources: struct<Resources>(
    {
      limits: struct<Limits>({ cpus: decimal, memory: bytes, pids: integer, devices: list(deviceRequest) }),
      reservations: struct<Reservations>({
        cpus: decimal,
        memory: bytes,
        devices: list(deviceRequest),
        generic_resources: list(
          struct<GenericResource>({
            discrete_resource_spec: struct<NonNullable<GenericResource["discrete_resource_spec"]>>({ kind: text, value: integer }),
          }),
        ),
      }),
    },
    { always: true },
  ),
  restart_policy: struct<RestartPolicy>({
    condition: word<NonNullable<RestartPolicy["condition"]>>(),
    delay: duration,
    max_attempts: count,
    window: duration,
  }),
  placement: struct<Placement>(
    {
      constraints: strings,
      preferences: list(struct<NonNullable<Placement["preferences"]>[number]>({ spread: text })),
      max_replicas_per_node: integer,
    },
    { always: true },
  ),
  endpoint_mode: text,
});

import type { ContainerCreateBody } from "../../../api/index.ts";
import { UsageError } from "../usage-error.ts";

/** "always", "on-failure:3" -> the API's restart policy. @throws UsageError in Docker's words */
export function restartPolicy(text = "no"): NonNullable<NonNullable<ContainerCreateBody["HostConfig"]>["RestartPolicy"]> {
  const [asked = "", count = "0"] = text.split(":");
  if (text !== "" && asked === "") throw new UsageError("invalid restart policy format: no policy provided before colon");
  if (!/^-?\d+$/.test(count)) throw new UsageError("invalid restart policy format: maximum retry count must be an integer");
  // The engine names a policy that it does not know.
  return { Name: asked as "no", MaximumRetryCount: Number(count) };
}

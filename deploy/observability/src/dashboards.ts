import type { Dashboard } from "./dashboard.js";
import { doors } from "./dashboards/doors.js";
import { log } from "./dashboards/log.js";
import { overview } from "./dashboards/overview.js";
import { servers } from "./dashboards/servers.js";
import { subscriptions } from "./dashboards/subscriptions.js";

/** In the order in which an operator looks at them. */
export const dashboards: readonly Dashboard[] = [overview, doors, log, subscriptions, servers];

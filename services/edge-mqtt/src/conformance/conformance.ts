import { connecting } from "./chapters/connecting.js";
import { connectingV5 } from "./chapters/connecting-v5.js";
import { flow } from "./chapters/flow.js";
import { format } from "./chapters/format.js";
import { keepAlive } from "./chapters/keep-alive.js";
import { permission } from "./chapters/permission.js";
import { publishing } from "./chapters/publishing.js";
import { publishingV5 } from "./chapters/publishing-v5.js";
import { redelivery } from "./chapters/redelivery.js";
import { retained } from "./chapters/retained.js";
import { sessions } from "./chapters/sessions.js";
import { shared } from "./chapters/shared.js";
import { subscribing } from "./chapters/subscribing.js";
import { subscribingV5 } from "./chapters/subscribing-v5.js";
import { unsubscribing } from "./chapters/unsubscribing.js";
import { wills } from "./chapters/wills.js";
import { type Differences, runChapters, type Target } from "./suite.js";

const CHAPTERS = {
  "packets (1.5, 2)": format,
  "CONNECT (3.1, 3.2)": connecting,
  "the properties of CONNECT (3.1.2.11)": connectingV5,
  "keep alive, PINGREQ, DISCONNECT (3.1.2.10, 3.12, 3.14)": keepAlive,
  "sessions (3.1.2.4, 4.1)": sessions,
  "PUBLISH (3.3 to 3.7, 4.3)": publishing,
  "the properties of PUBLISH (3.3.2.3)": publishingV5,
  "permission (3.3.5, 5.4.2)": permission,
  "flow control (3.3.4, 4.9)": flow,
  "redelivery (4.4, 4.6)": redelivery,
  "SUBSCRIBE (3.8, 4.7)": subscribing,
  "options of subscriptions (3.8.3)": subscribingV5,
  "retained messages (3.3.1.3)": retained,
  "shared subscriptions (4.8.2)": shared,
  "UNSUBSCRIBE (3.10, 3.11)": unsubscribing,
  "wills (3.1.2.5)": wills,
};

/**
 * Walks the normative statements of MQTT 3.1.1 and 5.0 on a server. Where it is known to do otherwise, `differences`
 * tells why; everything else must hold.
 */
export function conformance(name: string, start: () => Promise<Target>, differences: Differences = {}): void {
  runChapters(`${name} obeys MQTT`, CHAPTERS, start, differences);
}

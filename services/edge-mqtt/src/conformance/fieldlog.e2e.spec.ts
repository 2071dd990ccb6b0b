import { conformance } from "./conformance.js";
import { asTarget, startFieldlog } from "./fieldlog.fixture.js";

conformance("Fieldlog", async () => asTarget(await startFieldlog("conformance")));

import { obeyOrders } from "../load/worker.js";
import { Sink } from "./sink.js";

// The stand-in for the platform, in a process of its own.

const sink = new Sink();
obeyOrders(sink.obey.bind(sink));

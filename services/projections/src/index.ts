// For processes that host the service.

// For the benchmark that compares the read model with a plain COPY of its rows.
export { EVENT_COLUMNS, eventRows, events } from "./events/definition.js";
export { createEventTables, type EventTables } from "./events/tables.js";
export { ProjectionsModule } from "./projections.module.js";

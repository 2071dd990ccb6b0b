// The page of a device's edit token: #/clients/{namespace}/{id}?token={token}. The token stands behind the #, so that
// no server and no log sees it; it goes as a bearer token to the native API alone.

const TEXTS = ["name", "building", "floor", "locationDescription", "mobility"];
const NUMBERS = ["latitude", "longitude"];

const element = (id) => document.getElementById(id);
const form = element("form");
const say = (text) => {
  element("status").textContent = text;
};

/** What the address asks for; undefined: nothing that could be. */
function target() {
  const found = /^#\/clients\/([^/?]+)\/([^/?]+)\?token=([A-Za-z0-9_-]+)$/.exec(location.hash);
  if (found === null) return undefined;
  const [namespace, id, token] = found.slice(1).map(decodeURIComponent);
  const path = [namespace, id].map(encodeURIComponent).join("/devices/");
  return { id, token, url: new URL(`v1/namespaces/${path}`, document.baseURI) };
}

async function ask({ url, token }, options = {}) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(url, { ...options, headers, cache: "no-store", credentials: "omit" });
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  if (response.status === 401)
    throw new Error("This link is not good (any more). Ask the device for another.");
  throw new Error(body.detail ?? `The server answered ${response.status}.`);
}

function addProperty(key = "", value) {
  const row = document.createElement("div");
  row.className = "property";
  for (const [name, text] of [
    ["key", key],
    ["value", value === undefined ? "" : JSON.stringify(value)],
  ]) {
    const input = document.createElement("input");
    input.name = name;
    input.value = text;
    input.setAttribute("aria-label", `property's ${name}`);
    if (name === "key") input.readOnly = key !== "";
    row.append(input);
  }
  element("properties").append(row);
}

function show(metadata) {
  for (const name of [...TEXTS, ...NUMBERS]) form.elements[name].value = metadata[name] ?? "";
  element("properties").replaceChildren();
  for (const [key, value] of Object.entries(metadata.properties ?? {})) addProperty(key, value);
  form.hidden = false;
}

/** Only what differs from what was shown; a number that was emptied stays as it is, since nothing is nowhere. */
function changes(before) {
  const changed = {};
  for (const name of TEXTS) {
    const { value } = form.elements[name];
    if (value !== (before[name] ?? "")) changed[name] = value;
  }
  for (const name of NUMBERS) {
    const { value } = form.elements[name];
    if (value !== "" && Number(value) !== before[name]) changed[name] = Number(value);
  }
  const properties = {};
  for (const row of element("properties").children) {
    const [key, value] = [...row.children].map((input) => input.value.trim());
    if (key === "") continue;
    const was = before.properties?.[key];
    const is = value === "" ? null : JSON.parse(value);
    if (is !== (was ?? null)) properties[key] = is;
  }
  return Object.keys(properties).length === 0 ? changed : { ...changed, properties };
}

async function open() {
  form.hidden = true;
  const device = target();
  if (device === undefined) return say("This link is not complete.");
  element("device").textContent = device.id;
  let { metadata } = await ask(device);
  show(metadata);
  say("");
  form.onsubmit = async (event) => {
    event.preventDefault();
    element("save").disabled = true;
    try {
      const body = JSON.stringify(changes(metadata));
      if (body !== "{}") await ask(device, { method: "PATCH", body });
      ({ metadata } = await ask(device));
      show(metadata);
      say("Saved. The device learns of it with its next heartbeat.");
    } catch (error) {
      say(error instanceof SyntaxError ? "A property's value is not JSON." : error.message);
    } finally {
      element("save").disabled = false;
    }
  };
}

const start = () => open().catch((error) => say(error.message));
element("add").onclick = () => addProperty();
addEventListener("hashchange", start);
start();

import type { Command } from "commander";
import type { Namespace } from "../api/answers.js";
import { contextOf, examples } from "../context.js";
import { table } from "../output/table.js";
import { clean, time } from "../output/text.js";
import type { World } from "../world.js";

export function addNamespaces(program: Command, world: World): void {
  const namespaces = program
    .command("namespaces")
    .description("Tenants: the data of each are apart from every other's.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog namespaces list", "which there are; `default` and `test` from the beginning"],
        ["fieldlog namespaces create roof-sensors", "a new one"],
      ),
    );

  namespaces
    .command("list")
    .description("All namespaces.")
    .action(async (_options, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ namespaces: Namespace[] }>("/v1/namespaces");
      print(answer, () =>
        table(
          ["NAME", "ID", "CREATED"],
          answer.namespaces.map(({ name, id, createdAt }) => [clean(name), clean(id), time(createdAt)]),
          paint,
        ),
      );
    });

  namespaces
    .command("create")
    .argument("<name>", "small letters, digits, - and _; at most 63")
    .description("A new namespace.")
    .action(async (name: string, _options, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const namespace = await api.post<Namespace>("/v1/namespaces", { name });
      print(
        namespace,
        () =>
          `${paint("green", "Created")} namespace ${clean(namespace.name)} (id ${clean(namespace.id)}).\n` +
          `Next: fieldlog keys create --namespace ${clean(namespace.name)} --permission read\n`,
      );
    });
}

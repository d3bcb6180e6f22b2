/**
 * `spec.scheduler.slurm.config`: the parameters of slurm.conf that the user may set.
 * A value can never become a second line or a comment of the file. What the controller decides
 * itself, because nodes join, move and log in by it, is refused by name instead of being overridden.
 */
import { z } from 'zod';

/** Parameters that the controller owns, with the reason that the user is told. */
export const ownedSlurmParameters: Readonly<Record<string, string>> = {
  ClusterName: 'it is the name of the BenchCluster',
  SlurmctldHost: 'the controller writes the head node there',
  SlurmctldAddr: 'the controller discovers the address of the head node',
  ControlMachine: 'the controller writes the head node in SlurmctldHost',
  ControlAddr: 'the controller discovers the address of the head node',
  BackupController: 'there is one head node in this release',
  BackupAddr: 'there is one head node in this release',
  NodeName: 'nodes join dynamically; size them in spec.workers',
  NodeSet: 'nodes join dynamically, with their pool as a feature',
  PartitionName: 'the controller makes the partitions',
  DownNodes: 'the state of nodes is set in the running cluster',
  FrontendName: 'nodes join dynamically',
  AuthType: 'the controller makes and distributes the munge key',
  AuthInfo: 'the controller makes and distributes the munge key',
  AuthAltTypes: 'the controller makes and distributes the munge key',
  CredType: 'the controller makes and distributes the munge key',
  CryptoType: 'the controller makes and distributes the munge key',
  SlurmUser: 'the image decides it',
  SlurmdUser: 'the image decides it',
  SlurmctldPort: 'the controller and the nodes rely on it',
  SlurmdPort: 'the controller and the nodes rely on it',
  SlurmctldPidFile: 'the image decides it',
  SlurmdPidFile: 'the image decides it',
  StateSaveLocation: 'the image decides it',
  SlurmdSpoolDir: 'the image decides it',
  SelectType: 'the controller hands out cores and memory by select/cons_tres',
  ReturnToService: 'a worker that comes back is taken back without a hand',
  MaxNodeCount: 'nodes join dynamically',
  TreeWidth: 'nodes that join do not know each other',
  Include: 'slurm.conf is rendered as one file',
};

const ownedByLowerCase = new Map(
  Object.keys(ownedSlurmParameters).map((name) => [name.toLowerCase(), name]),
);

/** Why a parameter is refused; undefined when it is the user's to set. Slurm ignores case. */
export function refusalOf(parameter: string): string | undefined {
  const name = ownedByLowerCase.get(parameter.toLowerCase());
  return name === undefined ? undefined : ownedSlurmParameters[name];
}

const Value = z
  .string()
  .min(1)
  .max(1024)
  // White space begins another parameter, "#" a comment, and "\\" at the end joins lines.
  .regex(/^[^\s\p{Cc}\p{Cf}#]*(?<!\\)$/u, 'must be one word without "#" or a "\\" at its end');

const Parameter = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][A-Za-z0-9]*$/, 'must be the name of a parameter of slurm.conf')
  .refine((name) => refusalOf(name) === undefined, {
    error: ({ input }) => `belongs to the controller: ${refusalOf(String(input))}`,
  });

export const SlurmConfig = z.record(Parameter, z.union([Value, z.int()])).check((context) => {
  const seen = new Map<string, string>();
  const names = Object.keys(context.value);
  const report = (name: string, message: string) =>
    context.issues.push({ code: 'custom', path: [name], message, input: name });
  for (const name of names) {
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined) report(name, `is the same parameter as ${twin}: Slurm ignores case`);
    seen.set(name.toLowerCase(), name);
  }
  if (names.length > 300) report(names[300] ?? '', 'is one parameter too many (at most 300)');
});

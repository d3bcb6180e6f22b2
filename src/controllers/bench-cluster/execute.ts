/**
 * Turns one action into one port call. The only writer. Secrets are resolved here, at the last
 * moment, and appear nowhere else.
 */
import { type GuestRunner, type Hypervisor, PortError, type StateStore } from '../ports.ts';
import type { AnyScheduler } from '../schedulers/scheduler.ts';
import type { Action, GuestAction, HostAction } from './action.ts';
import { type DesiredCluster, nodeUuid } from './desired.ts';
import { type ResolvedFile, startUnitScript } from './guest-script.ts';
import type { Guests } from './guests.ts';

export interface ExecutePorts {
  hypervisor: Hypervisor;
  runner: GuestRunner;
  guests: Guests;
  state: StateStore;
  scheduler: AnyScheduler;
}

/** A unit in a guest may take long under software emulation; it outlives this limit. */
const unitTimeoutMs = 300_000;
const scriptTimeoutMs = 30_000;

export async function execute(
  cluster: DesiredCluster,
  action: Action,
  ports: ExecutePorts,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if ('node' in action) return executeInGuest(cluster, action, ports, signal);
  return executeOnHost(action, ports, progress, signal);
}

async function executeOnHost(
  action: HostAction,
  { hypervisor, guests }: ExecutePorts,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  switch (action.kind) {
    case 'uploadArtifact':
      return hypervisor.uploadArtifact(
        action.artifact,
        (sent, total) => progress(`${Math.floor((100 * sent) / Math.max(1, total))} %`),
        signal,
      );
    case 'createNetwork':
      return hypervisor.createNetwork(action.network, signal);
    case 'removeNetwork':
      return hypervisor.removeNetwork(action.network, signal);
    case 'createVolume':
      return hypervisor.createVolume(action.volume, signal);
    case 'deleteVolume':
      return hypervisor.deleteVolume(action.name, action.onlyUsedBy, signal);
    case 'defineDomain':
      return hypervisor.defineDomain(action.domain, signal);
    case 'changeDomain':
      if (action.change === 'destroy') guests.forget(action.domain.uuid);
      return hypervisor.changeDomain(action.change, action.domain, signal);
  }
}

async function executeInGuest(
  cluster: DesiredCluster,
  action: { node: string } & GuestAction,
  ports: ExecutePorts,
  signal: AbortSignal,
): Promise<void> {
  const target = ports.guests.targetOf(nodeUuid(cluster.uid, action.node));
  if (target === undefined) throw new PortError('unreachable', `${action.node} is not reached`);
  const unit = action.kind === 'startUnit';
  const script = unit
    ? startUnitScript(action.unit, await resolveFiles(cluster, action.files, ports), action.script)
    : action.script;
  const timeoutMs = unit ? unitTimeoutMs : scriptTimeoutMs;
  if (unit) ports.guests.unitStarts(target.uuid);
  const result = await ports.runner.run(target, script, { timeoutMs, signal }).finally(() => {
    if (unit) ports.guests.unitEnded(target.uuid);
  });
  if (result.exitCode === 0) return;
  const tail = result.stderr.trim().slice(-400);
  throw new PortError(
    'failed',
    `a command on ${action.node} ended with exit code ${result.exitCode}: ${tail}`,
  );
}

async function resolveFiles(
  cluster: DesiredCluster,
  files: Extract<GuestAction, { kind: 'startUnit' }>['files'],
  { state, scheduler }: ExecutePorts,
): Promise<ResolvedFile[]> {
  return Promise.all(
    files.map(async ({ content, ...file }) => {
      if ('text' in content) return { ...file, content: Buffer.from(content.text) };
      const create = scheduler.secrets[content.secret];
      if (create === undefined) throw new Error(`unknown secret ${content.secret}`);
      const name = `${cluster.namespace}/${cluster.name}/${content.secret}`;
      return { ...file, content: await state.secret(name, create) };
    }),
  );
}

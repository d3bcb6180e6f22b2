/** One cluster at a place: formed and joined by the module's own plan, then handled by people. */
import type { GuestAction } from '../../src/controllers/bench-cluster/action.ts';
import type { SlurmNode, SlurmScope } from '../../src/controllers/schedulers/slurm/scope.ts';
import { slurm } from '../../src/controllers/schedulers/slurm/slurm.ts';
import type { Result } from './slurm/lab.ts';
import type { Place } from './slurm-model-place.ts';

/** What both must agree on: times, loads and sizes are each one's own. */
export interface NodeState {
  state: string;
  /** Without its time. */
  reason?: string;
  registered: boolean;
}

export const key = Uint8Array.from({ length: 128 }, (_, index) => (index * 37 + 11) % 256);

export class ModelCluster {
  readonly place: Place;
  readonly #workers: string[];

  constructor(place: Place, workers: string[]) {
    this.place = place;
    this.#workers = workers;
  }

  async form(): Promise<void> {
    const names = ['head', ...this.#workers];
    await Promise.all(names.map((name) => this.place.powerOn(name)));
    // Joins wait for the head, so they come after it where one script runs at a time.
    for (const name of names) {
      const scope = await this.#scope();
      const own = slurm.plan(scope).actions.find(({ node }) => node === name);
      if (own === undefined) throw new Error(`nothing is to be done on ${name}`);
      await this.#execute(name, own.action);
    }
  }

  /** A command on the head. */
  head(script: string): Promise<Result> {
    return this.place.run('head', script);
  }

  async node(name: string): Promise<NodeState | undefined> {
    const { stdout, exitCode } = await this.head(`scontrol show node -o ${name}`);
    if (exitCode !== 0) return undefined;
    const [, reason] = / Reason=(.*) \[(\w+)@/.exec(stdout) ?? [];
    const by = / Reason=.* \[(\w+)@/.exec(stdout)?.[1];
    return {
      state: / State=(\S+) /.exec(stdout)?.[1] ?? '',
      registered: !stdout.includes(' BootTime=None '),
      ...(reason !== undefined && { reason: `${reason} by ${by}` }),
    };
  }

  /** State and nodes of a job; undefined when it has ended. */
  async job(id: string): Promise<string | undefined> {
    const { stdout } = await this.head(`squeue -h -a -t PD,R,CG -o '%i %T %N'`);
    const line = stdout.split('\n').find((text) => text.startsWith(`${id} `));
    return line?.slice(id.length + 1).trim();
  }

  async submit(node: string): Promise<string> {
    const wrap = `cd /tmp && sbatch --parsable -w ${node} -o /dev/null --wrap 'sleep 600'`;
    const id = (await this.head(wrap)).stdout.trim();
    await this.until(`job ${id} runs`, async () => (await this.job(id)) === `RUNNING ${node}`);
    return id;
  }

  async until(what: string, holds: () => Promise<boolean>, limitMs = 20_000): Promise<void> {
    const end = this.place.now() + limitMs;
    while (!(await holds())) {
      if (this.place.now() > end) {
        const { stdout } = await this.head(`scontrol show nodes -o; squeue -h -a -o '%i %T %N'`);
        throw new Error(`not within ${limitMs} ms: ${what}\n${stdout}`);
      }
      await this.place.sleep(200);
    }
  }

  untilState(name: string, state: string): Promise<void> {
    return this.until(`${name} is ${state}`, async () => {
      const node = await this.node(name);
      return node?.registered === true && node.state === state;
    });
  }

  async #scope(): Promise<SlurmScope> {
    const nodes: SlurmNode[] = [];
    for (const name of ['head', ...this.#workers]) {
      const { stdout } = await this.place.run(name, slurm.factsScript);
      nodes.push({
        name,
        role: name === 'head' ? 'controlPlane' : 'worker',
        pool: 'compute',
        wanted: 'present',
        drain: { timeoutMs: 600_000, onTimeout: 'Wait' },
        running: true,
        off: false,
        address: this.place.address(name),
        facts: {
          ...{ bootId: 'b', hostname: name, cpus: 2, memoryMiB: 24_103, units: [] },
          scheduler: slurm.parseFacts(stdout),
        },
      });
    }
    const told = await this.place.run('head', slurm.viewScript);
    const view = told.exitCode === 0 ? slurm.parseView(told.stdout) : undefined;
    const cluster = { namespace: 'default', name: 'model', uid: 'u' };
    const more = { pools: ['compute'], ...(view && { view }) };
    return { cluster, config: { config: {} }, nodes, ...more, now: this.place.now() };
  }

  async #execute(name: string, action: GuestAction): Promise<void> {
    if (action.kind !== 'startUnit') throw new Error(`${action.kind} on ${name}`);
    for (const { path, owner, content } of action.files) {
      const bytes = 'text' in content ? Buffer.from(content.text) : key;
      await this.place.write(name, path, bytes, owner);
    }
    const { exitCode, stdout, stderr } = await this.place.run(name, action.script);
    if (exitCode !== 0) throw new Error(`${name}: ${stdout}${stderr}`);
  }
}

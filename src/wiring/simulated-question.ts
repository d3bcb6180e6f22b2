/** What a command may ask the process of a simulated world; read from a socket, so each field is checked. */
import { hostTroubles, nodeTroubles, type Trouble } from '../cli/simulation.ts';
import { PortError } from '../controllers/ports.ts';

/** An empty cluster: all of the namespace. */
export type Question =
  | { kind: 'trouble'; trouble: Trouble }
  | { kind: 'plan'; dir: string; namespace: string; cluster: string }
  | { kind: 'inventory'; host: string }
  | { kind: 'deleteVolume'; host: string; volume: string }
  | { kind: 'command'; namespace: string; node: string; command: string };

/** Throws `PortError` `rejected`. */
export function questionOf(value: unknown): Question {
  const fields = new Fields(value);
  const kind = fields.text('kind');
  switch (kind) {
    case 'trouble':
      return { kind, trouble: troubleOf(fields.inner('trouble')) };
    case 'plan': {
      const [dir, namespace] = [fields.text('dir'), fields.text('namespace')];
      return { kind, dir, namespace, cluster: fields.text('cluster') };
    }
    case 'inventory':
      return { kind, host: fields.text('host') };
    case 'deleteVolume':
      return { kind, host: fields.text('host'), volume: fields.text('volume') };
    case 'command': {
      const [namespace, node] = [fields.text('namespace'), fields.text('node')];
      return { kind, namespace, node, command: fields.text('command') };
    }
    default:
      throw new PortError('rejected', `a simulated world does not know ${kind}`);
  }
}

function troubleOf(fields: Fields): Trouble {
  const verb = fields.text('verb');
  const namespace = fields.text('namespace');
  const nodeVerb = nodeTroubles.find((known) => known === verb);
  if (nodeVerb !== undefined) return { verb: nodeVerb, namespace, node: fields.text('node') };
  const hostVerb = hostTroubles.find((known) => known === verb);
  if (hostVerb !== undefined) return { verb: hostVerb, namespace, host: fields.text('host') };
  const cluster = fields.text('cluster');
  if (verb === 'queue') return { verb, namespace, cluster };
  if (verb !== 'submit') throw new PortError('rejected', `no such trouble: ${verb}`);
  const [nodes, minutes] = [fields.number('nodes'), fields.number('minutes')];
  return { verb, namespace, cluster, nodes, minutes, wait: fields.text('wait') === 'true' };
}

class Fields {
  readonly #fields: Map<string, unknown>;

  constructor(value: unknown) {
    const isObject = typeof value === 'object' && value !== null;
    this.#fields = new Map(isObject ? Object.entries(value) : []);
  }

  /** A text, or a truth as one. */
  text(name: string): string {
    const value = this.#fields.get(name);
    if (typeof value === 'string' || typeof value === 'boolean') return String(value);
    throw new PortError('rejected', `the question has no ${name}`);
  }

  number(name: string): number {
    const value = this.#fields.get(name);
    if (typeof value === 'number' && value >= 0) return value;
    throw new PortError('rejected', `the question has no number of ${name}`);
  }

  inner(name: string): Fields {
    return new Fields(this.#fields.get(name));
  }
}

/**
 * The effects of one cluster: starts planned actions as operations and remembers what failed.
 * All of it is memory of this process and can be lost at any time.
 */
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { actionKey, describeAction } from './action.ts';
import type { DesiredCluster } from './desired.ts';
import { type ExecutePorts, execute } from './execute.ts';
import { Failures } from './failures.ts';
import type { FailureView, OperationView } from './observed.ts';
import { Operations } from './operations.ts';
import type { PlannedAction } from './plan.ts';

export interface EffectsOptions {
  clock: Clock;
  random: () => number;
  log: Log;
  /** At the same time. */
  limit: number;
  /** Called whenever one has ended. */
  wake: () => void;
}

export class Effects {
  readonly #options: EffectsOptions;
  readonly #operations: Operations;
  readonly #failures: Failures;

  constructor(options: EffectsOptions) {
    this.#options = options;
    this.#operations = new Operations(options.limit);
    this.#failures = new Failures(options.random);
  }

  /** See `Operations.mark`. */
  mark(): number {
    return this.#operations.mark();
  }

  operations(): OperationView[] {
    return this.#operations.views();
  }

  failures(): ReadonlyMap<string, FailureView> {
    return this.#failures.view();
  }

  /** The spec changed: what failed may be tried at once. */
  forgetFailures(): void {
    this.#failures.clear();
  }

  /** Starts what was planned from an observation made after `seen`. */
  start(
    desired: DesiredCluster,
    { action, node, why }: PlannedAction,
    ports: ExecutePorts,
    seen: number,
  ): void {
    const { log, clock, wake } = this.#options;
    const key = actionKey(action);
    const started = clock.now();
    const fields = { cluster: `${desired.namespace}/${desired.name}`, node };
    const described = { ...fields, action: describeAction(action) };
    this.#operations.start(
      {
        key,
        // Effects on one VM come one after another; commands in a guest only meet themselves.
        lane: 'host' in action ? `${action.host}/${node ?? key}` : key,
        ...(action.kind === 'startUnit' && { guest: action.node }),
        seen,
      },
      (progress, signal) => {
        log.info({ ...described, why }, 'action started');
        return execute(desired, action, ports, progress, signal);
      },
      (error) => {
        const elapsedMs = clock.now() - started;
        if (error) {
          this.#failures.record(key, error, clock.now());
          log.warn({ ...described, elapsedMs, err: error }, 'action failed');
        } else {
          this.#failures.forget(key);
          log.info({ ...described, elapsedMs }, 'action done');
        }
        wake();
      },
    );
  }

  close(): Promise<void> {
    return this.#operations.close();
  }
}

/**
 * The effects of one cluster: starts planned actions as operations, remembers what failed and
 * counts what was mended. What it remembers goes into the status, and comes from there at a start.
 */
import type { ClusterStatus } from '../../crd/status.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { actionKey, describeAction, guestWork } from './action.ts';
import type { DesiredCluster } from './desired.ts';
import { EndedRuns, type Run } from './ended-runs.ts';
import { type ExecutePorts, execute } from './execute.ts';
import { Failures } from './failures.ts';
import type { FailureView, OperationView, RepairView } from './observed.ts';
import { Operations } from './operations.ts';
import type { Plan, PlannedAction } from './plan.ts';
import { healthyAfterMs, isCure, Repairs } from './repairs.ts';
import type { Kept } from './status.ts';

export interface EffectsOptions {
  clock: Clock;
  random: () => number;
  log: Log;
  /** At the same time. */
  limit: number;
  /** Called whenever one has ended. */
  wake: () => void;
  /** The status that the process before left. */
  before?: ClusterStatus;
}

export class Effects {
  readonly #options: EffectsOptions;
  readonly #operations: Operations;
  readonly #failures: Failures;
  readonly #repairs: Repairs;
  readonly #ended = new EndedRuns();

  constructor(options: EffectsOptions) {
    this.#options = options;
    this.#operations = new Operations(options.limit);
    const { random, clock, before } = options;
    this.#failures = new Failures(random, clock.now(), before?.attempts);
    this.#repairs = new Repairs(random, clock.now(), before?.repairs);
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

  repairs(): ReadonlyMap<string, RepairView> {
    return this.#repairs.view();
  }

  /** Runs that were powered off, by the UUID of their domain. */
  ended(): ReadonlyMap<string, Run> {
    return this.#ended.view();
  }

  /** For the status. */
  report(): Required<Pick<Kept, 'attempts' | 'repairs'>> {
    return { attempts: this.#failures.report(), repairs: this.#repairs.report() };
  }

  /** The spec changed: what failed may be tried at once. */
  forgetFailures(): void {
    this.#failures.clear();
    this.#repairs.clear();
  }

  /**
   * Forgets what a new plan makes void. Only a plan that knew the whole world (`whole`) tells that
   * an action is not needed any more; what was done on the host is seen by every round. Work in a
   * guest is planned from what that guest tells, and a command may serve any other node.
   */
  settle(planned: Plan, whole: boolean): void {
    const before = this.#options.clock.now() - healthyAfterMs;
    for (const node of planned.recovered) this.#repairs.forget(node, before);
    const running = new Set(this.#operations.views().map(({ key }) => key));
    this.#failures.prune((key, { code }) => {
      if (planned.considered.has(key) || running.has(key)) return false;
      const work = guestWork(key);
      if (work === undefined) return whole || code === 'noEffect';
      const { unseen } = planned;
      return whole && (work.kind === 'unit' ? !unseen.has(work.node) : unseen.size === 0);
    });
    if (!whole) return;
    const nodes = new Set(planned.nodes.map(({ scope }) => scope.name));
    for (const node of this.#repairs.nodes()) if (!nodes.has(node)) this.#repairs.forget(node);
  }

  /**
   * Starts what was planned from an observation made after `seen`. What a process that dies with it
   * must leave on record waits until it is `told`.
   */
  start(
    desired: DesiredCluster,
    item: PlannedAction,
    ports: ExecutePorts,
    seen: number,
    told: Promise<unknown>,
  ): void {
    const { log, clock, wake } = this.#options;
    const { action, node, why, repair } = item;
    const key = actionKey(action);
    const started = clock.now();
    const fields = { cluster: `${desired.namespace}/${desired.name}`, node };
    const described = { ...fields, action: describeAction(action) };
    const isStarted = this.#operations.start(
      {
        key,
        // Effects on one VM come one after another; commands in a guest only meet themselves.
        lane: 'host' in action ? `${action.host}/${node ?? key}` : key,
        ...(action.kind === 'startUnit' && { guest: action.node }),
        seen,
      },
      async (progress, signal) => {
        if (isOnRecordFirst(item)) await told;
        log.info({ ...described, why }, 'action started');
        return execute(desired, action, ports, progress, signal);
      },
      (error) => {
        const elapsedMs = clock.now() - started;
        if (error) {
          this.#failures.record(key, error, clock.now());
          if ('host' in action) this.#ended.forget();
          log.warn({ ...described, elapsedMs, err: error }, 'action failed');
        } else {
          this.#failures.succeeded(key, clock.now());
          this.#ended.done(action);
          log.info({ ...described, elapsedMs }, 'action done');
        }
        wake();
      },
    );
    if (isStarted && repair && node) this.#repairs.begun(node, repair, started);
  }

  close(): Promise<void> {
    return this.#operations.close();
  }
}

/**
 * That a cure was tried, because it may be what the process dies of. That a machine was on its way
 * out, before its disk goes: of one that is wanted again the domain alone does not tell whether we
 * deleted the disk or somebody lost it.
 */
function isOnRecordFirst({ action, node, repair }: PlannedAction): boolean {
  return (
    (repair !== undefined && isCure(repair)) ||
    (action.kind === 'deleteVolume' && node !== undefined)
  );
}

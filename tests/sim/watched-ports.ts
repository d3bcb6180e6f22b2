/** The state store, the log and the way into the guests, under the eyes of the oracle. */
import type { GuestRunner, StateStore } from '../../src/controllers/ports.ts';
import type { Log } from '../../src/lib/log.ts';
import type { Oracle } from '../oracle/oracle.ts';

export function watchedState(
  oracle: Oracle,
  state: StateStore,
  secrets: Map<string, Uint8Array>,
): StateStore {
  const watched: Partial<StateStore> = {
    putCluster: (record) => {
      const { namespace, name } = record.cluster.metadata;
      const effect = { kind: 'putCluster', cluster: `${namespace}/${name}`, record } as const;
      return oracle.effect(effect, () => state.putCluster(record));
    },
    removeCluster: (namespace, name) =>
      oracle.effect({ kind: 'removeCluster', cluster: `${namespace}/${name}` }, () =>
        state.removeCluster(namespace, name),
      ),
    forgetDeletionRequest: (namespace, name) =>
      oracle.effect({ kind: 'forgetDeletionRequest', cluster: `${namespace}/${name}` }, () =>
        state.forgetDeletionRequest(namespace, name),
      ),
    putStatus: (namespace, name, status) =>
      oracle.effect({ kind: 'putStatus', cluster: `${namespace}/${name}`, status }, () =>
        state.putStatus(namespace, name, status),
      ),
    appendEvent: (event) => {
      oracle.wrote(`appendEvent ${event.cluster} ${event.reason}`, event);
      return state.appendEvent(event);
    },
    putDeletionLedger: (ledger) => {
      oracle.wrote('putDeletionLedger', ledger);
      return state.putDeletionLedger(ledger);
    },
    forgetConfirmation: (revision) => {
      oracle.wrote('forgetConfirmation', revision);
      return state.forgetConfirmation(revision);
    },
    secret: async (name, create) => {
      const secret = await state.secret(name, create);
      secrets.set(name, secret);
      return secret;
    },
  };
  // What is not watched passes.
  return new Proxy(state, {
    get(target, name: keyof StateStore) {
      const method = watched[name] ?? target[name];
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
}

export function watchedRunner(oracle: Oracle, runner: GuestRunner): GuestRunner {
  return {
    run: (target, script, options) => {
      const { node, uuid, address, hostKey } = target;
      const reads = script.includes('bc1:begin=facts');
      const effect = { kind: 'guest', node, uuid, address, hostKey, script, reads } as const;
      return oracle.effect(effect, () => runner.run(target, script, options));
    },
    forget: (uuid) => runner.forget(uuid),
    close: () => runner.close(),
  };
}

/** Keeps the errors that a round threw at the fence. */
export function watchedLog(oracle: Oracle, thrown: Error[]): Log {
  const tell = (...line: unknown[]) => oracle.told('the log', line);
  const log: Log = {
    ...{ trace: tell, debug: tell, info: tell, warn: tell },
    error: (...line: unknown[]) => {
      tell(...line);
      const { err } = line[0] as { err?: Error };
      if (err) thrown.push(err);
    },
    child: (fields) => {
      tell(fields);
      return log;
    },
  };
  return log;
}

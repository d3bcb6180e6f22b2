/** The state directory as commands see it: events with their cluster in two parts. */
import type { StateView } from '../cli/state-view.ts';
import { openStateReader } from '../drivers/state-reader.ts';

export function stateView(dir: string): StateView {
  const reader = openStateReader(dir);
  return {
    ...reader,
    async events() {
      return (await reader.events()).map(({ time, cluster: key, ...event }) => {
        const [namespace = '', cluster = ''] = key.split('/');
        return { at: time, namespace, cluster, ...event };
      });
    },
  };
}

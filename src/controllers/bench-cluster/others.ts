/**
 * What the other clusters of a host tell: what they want to keep, so that the last of them, and
 * only it, removes what they share; and how many of their guests are silent. Pure.
 */
import type { ClusterStatus } from '../../crd/status.ts';
import { oncePer } from '../../lib/once-per.ts';
import type { ClusterRecord } from '../ports.ts';
import { artifactVolumes } from './desired.ts';
import type { Observed } from './observed.ts';

/** Only a cluster that is being deleted must know what the others on its host still want. */
export function othersOf(
  { deletionTimestamp }: ClusterRecord,
  others: readonly { record?: ClusterRecord; status?: ClusterStatus }[],
): Observed['others'] {
  const records =
    deletionTimestamp === undefined ? [] : others.flatMap(({ record }) => record ?? []);
  return {
    ...wantedByOthers(records),
    guests: silentGuests(others.map(({ status }) => status)),
  };
}

function wantedByOthers(
  others: readonly ClusterRecord[],
): Pick<Observed['others'], 'networks' | 'artifacts'> {
  const kept = others.filter(({ deletionTimestamp }) => deletionTimestamp === undefined);
  return {
    networks: new Set(kept.map(({ cluster }) => cluster.spec.network.name)),
    artifacts: new Set(kept.flatMap(({ images }) => artifactVolumes(images))),
  };
}

/** As their last rounds saw them: one host that loses its network shows in all its clusters. */
function silentGuests(statuses: readonly (ClusterStatus | undefined)[]): Silence {
  const all = statuses.map((status) => (status ? silenceOf(status) : { nodes: 0, silent: 0 }));
  return {
    nodes: all.reduce((sum, { nodes }) => sum + nodes, 0),
    silent: all.reduce((sum, { silent }) => sum + silent, 0),
  };
}

type Silence = NonNullable<Observed['others']['guests']>;

const silenceOf = oncePer((status: ClusterStatus): Silence => {
  const silent = status.nodes.filter(({ unhealthy }) => unhealthy?.reason === 'Unreachable');
  return { nodes: status.nodes.length, silent: silent.length };
});

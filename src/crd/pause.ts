/** What pauses a cluster, and what a person does for it to go on. Pure. */
import { isPaused, pausedAnnotation } from './annotations.ts';
import type { BenchCluster } from './bench-cluster.ts';

export const pauses = {
  spec: 'spec.paused',
  annotation: `the annotation ${pausedAnnotation}`,
} as const;

export type Pause = (typeof pauses)[keyof typeof pauses];

/** Either is enough; empty: it is not paused. */
export function pausesOf({ metadata, spec }: Pick<BenchCluster, 'metadata' | 'spec'>): Pause[] {
  return [
    ...(spec.paused ? [pauses.spec] : []),
    ...(isPaused(metadata) ? [pauses.annotation] : []),
  ];
}

export function describePauses(by: readonly Pause[]): string {
  return `by ${by.join(' and by ')}`;
}

interface Paused {
  namespace: string;
  name: string;
  deleting: boolean;
}

/** Nobody can take a pause back out of a manifest that is gone. */
export function howToGoOn(by: readonly Pause[], { namespace, name, deleting }: Paused): string {
  if (deleting) {
    return `write its manifest again without ${by.join(' and without ')}, then delete it`;
  }
  const where = namespace === 'default' ? '' : ` -n ${namespace}`;
  const ways: Record<Pause, string> = {
    [pauses.spec]: `take ${pauses.spec} out of its manifest`,
    [pauses.annotation]: `benchctl annotate cluster/${name} ${pausedAnnotation}-${where}`,
  };
  return by.map((pause) => ways[pause]).join(', and ');
}

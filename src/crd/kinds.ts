/** The kinds of the API and their schemas, in the order in which people meet them. */
import { BenchCluster } from './bench-cluster.ts';
import { BenchHost } from './bench-host.ts';
import { BenchImage } from './bench-image.ts';

export const kindSchemas = { BenchCluster, BenchImage, BenchHost };
export type KindName = keyof typeof kindSchemas;
export const kindNames = Object.keys(kindSchemas) as KindName[];

export function isKindName(text: unknown): text is KindName {
  return typeof text === 'string' && Object.hasOwn(kindSchemas, text);
}

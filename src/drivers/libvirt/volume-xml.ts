/** Volume requests → libvirt volume XML. Pure; golden tests hold the text. */
import { node, renderXml } from './xml.ts';

/** A qcow2 overlay. The backing format is said, so that nothing ever probes the base image. */
export function renderOverlay(volume: {
  name: string;
  capacityBytes: number;
  backingPath: string;
}): string {
  return renderXml(
    node('volume', { type: 'file' }, [
      node('name', {}, volume.name),
      node('capacity', { unit: 'bytes' }, volume.capacityBytes),
      node('target', {}, [
        node('format', { type: 'qcow2' }),
        node('compat', {}, '1.1'),
        node('features', {}, [node('lazy_refcounts')]),
      ]),
      node('backingStore', {}, [
        node('path', {}, volume.backingPath),
        node('format', { type: 'qcow2' }),
      ]),
    ]),
  );
}

/** A plain file of that size, sparse: bytes to be written by a stream, or by the console's log. */
export function renderRawVolume(volume: { name: string; bytes: number }): string {
  return renderXml(
    node('volume', { type: 'file' }, [
      node('name', {}, volume.name),
      node('capacity', { unit: 'bytes' }, volume.bytes),
      node('allocation', { unit: 'bytes' }, 0),
      node('target', {}, [node('format', { type: 'raw' })]),
    ]),
  );
}

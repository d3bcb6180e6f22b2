/**
 * The configuration files of the lab's own daemons, as text.
 * Nothing here depends on the machine: the lab binds these files over /etc/libvirt in its own mount
 * namespace, so the machine's configuration is neither read nor changed.
 */

/** virtlogd and libvirtd run without polkit there: the socket's mode and group are the access rule. */
const LIBVIRTD_CONF = `auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_ro_perms = "0777"
unix_sock_rw_perms = "0770"
log_level = 3
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
`;

/** Device namespaces and security labels would reach outside of the lab or fail inside of it. */
const QEMU_CONF = `namespaces = []
security_driver = "none"
remember_owner = 0
stdio_handler = "logd"
`;

const VIRTLOGD_CONF = `log_level = 3
log_outputs = "3:file:/var/log/libvirt/virtlogd.log"
`;

const DEFAULT_POOL = `<pool type='dir'>
  <name>default</name>
  <target><path>/var/lib/libvirt/images</path></target>
</pool>
`;

/** Files of the lab by name; `socketGroup` may use the socket beside root. */
export function labConfigFiles(socketGroup: string | undefined): Record<string, string> {
  const group = socketGroup === undefined ? '' : `unix_sock_group = "${socketGroup}"\n`;
  return {
    'libvirtd.conf': LIBVIRTD_CONF + group,
    'qemu.conf': QEMU_CONF,
    'virtlogd.conf': VIRTLOGD_CONF,
    'default-pool.xml': DEFAULT_POOL,
  };
}

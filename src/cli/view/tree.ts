/** A tree of labels with box lines, as `clusterctl describe` draws it. Pure. */

export interface TreeNode<T> {
  value: T;
  children: TreeNode<T>[];
}

export interface TreeLine<T> {
  /** Such as `│ └─`; empty at the root. */
  prefix: string;
  value: T;
  /** Indentation for further lines that belong to this node. */
  continuation: string;
}

export function treeLines<T>(root: TreeNode<T>): TreeLine<T>[] {
  return [{ prefix: '', value: root.value, continuation: below(root, '') }, ...lines(root, '')];
}

function lines<T>(parent: TreeNode<T>, indent: string): TreeLine<T>[] {
  return parent.children.flatMap((child, index) => {
    const last = index === parent.children.length - 1;
    const deeper = `${indent}${last ? '  ' : '│ '}`;
    const prefix = `${indent}${last ? '└─' : '├─'}`;
    return [
      { prefix, value: child.value, continuation: below(child, deeper) },
      ...lines(child, deeper),
    ];
  });
}

function below<T>(node: TreeNode<T>, indent: string): string {
  return node.children.length > 0 ? `${indent}│ ` : `${indent}  `;
}

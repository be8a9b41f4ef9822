/**
 * The layer rules of ARCHITECTURE.md as data: which folders a file may not import from. Proved by eslint from paths.
 */
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** First matching rule wins; `only` is a list of path prefixes (below the root) or package names that may be imported. */
const rules = [
  {
    files: 'renderer/',
    forbid: ['core/', 'electron/', 'build/', 'test/', 'node:', 'electron'],
    except: ['core/contract/'],
    why: 'the renderer imports only core/contract',
  },
  {
    files: 'core/contract/',
    forbid: ['core/', 'electron/', 'renderer/', 'node:', 'electron', 'svelte'],
    except: ['core/contract/'],
    why: 'the contract stands alone and runs in a browser',
  },
  {
    files: 'core/plan/',
    forbid: ['node:', 'core/store/', 'core/catalogue/', 'core/codec/', 'core/jobs/', 'core/service/', 'core/host/', 'electron', 'svelte'],
    except: ['core/codec/elements.ts', 'core/store/blob-source.ts'],
    why: 'the planner does no I/O',
  },
  {
    files: 'core/host/',
    forbid: ['electron', 'svelte', 'renderer/', 'electron/'],
    except: [],
    why: 'core never imports electron, svelte or the renderer',
  },
  {
    files: 'core/service/',
    forbid: ['electron', 'svelte', 'renderer/', 'electron/', 'core/host/'],
    except: [],
    why: 'services do not know their hosts',
  },
  {
    files: 'core/jobs/',
    forbid: ['electron', 'svelte', 'renderer/', 'electron/', 'core/host/', 'core/service/'],
    except: [],
    why: 'jobs do not know the service',
  },
  {
    files: 'core/',
    forbid: ['electron', 'svelte', 'renderer/', 'electron/', 'core/host/', 'core/service/', 'core/jobs/'],
    except: [],
    why: 'stages do not know jobs, services or hosts',
  },
  { files: 'electron/', forbid: ['core/', 'renderer/', 'svelte'], except: ['core/contract/'], why: 'the shell holds no domain code' },
];

/** Files that may be imported only from inside one folder. */
const owned = [{ target: 'core/codec/binding.ts', by: 'core/codec/', why: 'only core/codec touches the addon' }];

function targetOf(source, file) {
  if (!source.startsWith('.')) return source;
  return path
    .relative(root, path.resolve(path.dirname(file), source))
    .split(path.sep)
    .join('/');
}

const matches = (target, pattern) =>
  pattern.endsWith('/') || pattern.endsWith(':') ? target.startsWith(pattern) : target === pattern || target.startsWith(`${pattern}/`);

/** The sentence that a broken rule gives, or undefined. */
export function violation(file, source, typeOnly) {
  const from = path.relative(root, file).split(path.sep).join('/');
  const target = targetOf(source, file);
  const keeper = owned.find((rule) => rule.target === target);
  if (keeper && !typeOnly && !from.startsWith(keeper.by) && !from.startsWith('test/')) return keeper.why;
  const rule = rules.find((candidate) => from.startsWith(candidate.files));
  if (!rule || rule.except.some((allowed) => matches(target, allowed))) return undefined;
  return rule.forbid.some((pattern) => matches(target, pattern)) ? rule.why : undefined;
}

/** The same as an eslint rule. */
export const layers = {
  meta: { type: 'problem', schema: [], messages: { broken: "'{{source}}' may not be imported here: {{why}}" } },
  create(context) {
    const check = (node) => {
      if (!node.source) return;
      const why = violation(context.filename, String(node.source.value), node.importKind === 'type' || node.exportKind === 'type');
      if (why) context.report({ node, messageId: 'broken', data: { source: node.source.value, why } });
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check };
  },
};

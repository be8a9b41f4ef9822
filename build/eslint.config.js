import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import { layers } from './layers.js';

/** Words DESIGN's vocabulary rules out as names of files. */
const ruledOut = /(^|[-_.])(frame|chunk|repository|manager|utils?|helpers?|common|misc)([-_.]|$)/i;

const vocabulary = {
  meta: { type: 'suggestion', schema: [], messages: { word: "the file name '{{name}}' uses a word that the vocabulary rules out" } },
  create(context) {
    return {
      Program(node) {
        const name = context.filename.split('/').pop();
        if (ruledOut.test(name)) context.report({ node, messageId: 'word', data: { name } });
      },
    };
  },
};

export default ts.config(
  { ignores: ['dist/', 'core/native/', 'node_modules/', 'test/fixtures/'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    plugins: { cairn: { rules: { layers, vocabulary } } },
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
    rules: {
      'cairn/layers': 'error',
      'cairn/vocabulary': 'error',
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      'no-control-regex': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
    rules: { 'svelte/no-at-html-tags': 'error' },
  },
  {
    files: ['electron/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: "MemberExpression[property.name='openExternal']", message: 'nothing that Cairn shows may be opened outside of it' },
      ],
    },
  },
  { files: ['core/host/cli*.ts', 'core/host/cli/**', 'build/**', 'test/**'], rules: { 'no-console': 'off' } },
);

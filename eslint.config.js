import tseslint from 'typescript-eslint';

const pureMessage =
  'protocol, domain and clock are pure: what they need from time, randomness or the platform is passed in.';

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'data/**', '.cache/**', 'coverage/**'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        // One program for all files: a project service, which is made for editors, takes a third longer.
        project: ['tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/unified-signatures': 'off',
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ExportDefaultDeclaration',
          message: 'No default exports: a name is the same everywhere.',
        },
        {
          selector: 'TSEnumDeclaration',
          message: 'No enums: use an `as const` object and a union.',
        },
      ],
      eqeqeq: 'error',
    },
  },
  {
    files: ['protocol/**/*.ts', 'src/domain/**/*.ts', 'src/clock/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'setTimeout',
          'setInterval',
          'setImmediate',
          'queueMicrotask',
          'performance',
          'process',
          'crypto',
        ].map((name) => ({ name, message: pureMessage })),
        { name: 'Date', message: pureMessage },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: pureMessage },
      ],
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['node:*'], message: pureMessage }] },
      ],
    },
  },
  {
    files: ['*.config.ts', '*.config.js', 'eslint.config.js', '*.cjs', 'scripts/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['scripts/**', 'bench/**', 'loadtest/**', 'test/**', 'docs/clients/**'],
    rules: { 'no-console': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);

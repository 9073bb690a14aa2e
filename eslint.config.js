import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const noDefaultExports = [
  {
    selector: 'ExportDefaultDeclaration',
    message: 'Name it: a default export has another name in every file that imports it.',
  },
  {
    selector: 'ExportAllDeclaration',
    message: 'Re-export by name: `export *` publishes whatever is added later.',
  },
]

export default defineConfig(
  globalIgnores([
    'dist/',
    '.dist-*/',
    'coverage/',
    'test-results/',
    'playwright-report/',
    '.setup/',
    'test/vectors/',
  ]),
  {
    // No comment in a file can switch a rule off: what is allowed is decided here, for all files alike.
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' },
  },
  {
    files: ['**/*.ts', '**/*.mjs'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/ban-ts-comment': 'error',
      // `const { secret: _, ...rest } = facts` is how a value without a field is said.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
    },
  },
  {
    files: ['src/**/*.ts', 'fixtures/**/*.ts', 'scripts/**/*.{ts,mjs}'],
    rules: { 'no-restricted-syntax': ['error', ...noDefaultExports] },
  },
)

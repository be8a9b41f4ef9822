/**
 * How the desktop application is packed. The application's code is read from the archive alone, whose integrity macOS and Windows check;
 * the command line lies beside it as plain files, because Electron's runtime doesn't run as Node here (fuse `runAsNode`).
 */
import type { Configuration } from 'electron-builder';

const linuxTargets = ['AppImage', 'deb', 'rpm'];
const macArchitectures: ('x64' | 'arm64')[] = ['x64', 'arm64'];

const configuration: Configuration = {
  appId: 'dev.cairn.desktop',
  productName: 'Cairn',
  copyright: 'MIT licence, the authors of Cairn',
  directories: { output: 'dist/packages', buildResources: 'build/resources' },
  files: [
    'package.json',
    'LICENSE',
    'dist/*.js',
    'dist/*.cjs',
    'dist/cairn.node',
    'dist/licences.txt',
    'dist/renderer/**/*',
    // Node itself serves a checkout; Electron has its own.
    '!node_modules/node-*/**',
    '!node_modules/**/*.{md,markdown,map,ts,mts,cts,flow}',
    '!node_modules/**/{test,tests,docs,doc,example,examples,benchmark,benchmarks,.github}/**',
  ],
  extraResources: [
    { from: 'dist/command-line', to: 'cli' },
    { from: 'build/resources/bin', to: 'bin' },
  ],
  asar: true,
  asarUnpack: ['**/*.node'],
  // The addon goes through Node-API: one build serves Node and Electron alike, and `npm run build` has made it.
  npmRebuild: false,
  electronFuses: {
    runAsNode: false,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    loadBrowserProcessSpecificV8Snapshot: false,
    grantFileProtocolExtraPrivileges: false,
  },
  protocols: [{ name: 'Link to a place in Cairn', schemes: ['cairn'] }],
  fileAssociations: [
    {
      ext: 'cairn',
      name: 'Cairn store',
      description: 'Opens the store in whose folder it lies',
      role: 'Viewer',
      mimeType: 'application/x-cairn-store', // Linux knows files by it alone
    },
  ],
  linux: {
    target: linuxTargets,
    category: 'Development',
    icon: 'build/resources/icon.png',
    synopsis: 'Keeps every checkpoint of a training run on a fraction of the disk',
    maintainer: 'The authors of Cairn <cairn@example.invalid>',
  },
  mac: {
    target: ['dmg', 'zip'].map((target) => ({ target, arch: macArchitectures })),
    category: 'public.app-category.developer-tools',
    icon: 'build/resources/icon.png',
    hardenedRuntime: true,
    entitlements: 'build/resources/entitlements.mac.plist',
    entitlementsInherit: 'build/resources/entitlements.mac.plist',
    gatekeeperAssess: false,
  },
  win: { target: ['nsis'], icon: 'build/resources/icon.png' },
  nsis: { oneClick: false, perMachine: false, allowToChangeInstallationDirectory: true },
  // Nothing looks for updates until a publisher says where they are.
  publish: null,
};

export default configuration;

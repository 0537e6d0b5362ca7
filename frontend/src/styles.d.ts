// Vite takes style sheets as imports; TypeScript only has to know that they exist.
declare module "*.css";

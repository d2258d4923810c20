// Types of the one function that the API reader uses: the package ships none.
declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  interface SwaggerOptions {
    readonly url: string;
    readonly dom_id: string;
    readonly deepLinking?: boolean;
    readonly docExpansion?: 'list' | 'full' | 'none';
    readonly defaultModelsExpandDepth?: number;
    readonly validatorUrl?: string | null;
  }
  const SwaggerUI: (options: SwaggerOptions) => void;
  // eslint-disable-next-line no-restricted-syntax -- the package's own shape
  export default SwaggerUI;
}

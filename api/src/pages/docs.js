// Swagger UI as everybody can use it: names where it has none, headings in order. Links into the page
// are off, for it puts them into buttons.
SwaggerUIBundle({
  dom_id: "#api",
  url: "/openapi.json",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [({ React }) => ({
    wrapComponents: {
      // There is one, this one, and the choice has no name.
      ServersContainer: () => () => null,
      FilterContainer: () => () => React.createElement("h2", { className: "wrapper" }, "Operations"),
    },
  })],
  deepLinking: false,
  tryItOutEnabled: true,
  validatorUrl: "none",
});

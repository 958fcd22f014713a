// Loaded by the search page after Sphinx's own search, before the index.
(() => {
  // The theme's page has no progress line, and Sphinx empties one.
  const perform = Search.performSearch;
  Search.performSearch = (query) => {
    document.getElementById("search-results").replaceChildren();
    if (!document.getElementById("search-progress")) {
      const progress = document.createElement("span");
      progress.id = "search-progress";
      progress.hidden = true;
      document.querySelector(".search-page").append(progress);
    }
    perform(query);
  };

  // From file:// no page can be read by another: results without excerpts.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
})();

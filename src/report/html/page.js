
"use strict";
(() => {
  const table = document.getElementById("credentials");
  const body = table.tBodies[0];
  const heads = Array.from(table.tHead.rows[0].cells);
  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const rows = Array.from(body.rows, (row) => ({ row, text: row.textContent.toLowerCase() }));

  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let visible = 0;
    for (const { row, text } of rows) {
      const hit = words.every((word) => text.includes(word));
      row.hidden = !hit;
      visible += hit;
    }
    shown.textContent = words.length ? `${visible} of ${rows.length} shown` : "";
  };

  const key = (row, column) => {
    const cell = row.cells[column];
    const own = cell.dataset.key;
    return own === undefined ? cell.textContent.toLowerCase() : own === "" ? null : Number(own);
  };

  const sort = (column) => {
    const head = heads[column];
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const keyed = Array.from(body.rows, (row) => ({ row, key: key(row, column) }));
    keyed.sort((a, b) => {
      // What has no value stands last, whichever way is up.
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
      const order = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
      return up ? order : -order;
    });
    const sorted = document.createDocumentFragment();
    for (const { row } of keyed) sorted.append(row);
    body.append(sorted);
  };

  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => sort(column)));
  // A long table is laid out anew only when the typing pauses.
  let pause;
  filter.addEventListener("input", () => {
    clearTimeout(pause);
    if (rows.length < 2000) apply();
    else pause = setTimeout(apply, 200);
  });
  document.getElementById("tools").hidden = false;
  apply();
})();

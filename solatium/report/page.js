"use strict";
for (const box of document.querySelectorAll(".table")) {
  const body = box.querySelector("tbody");
  const rows = [...body.rows];
  const heads = [...box.querySelectorAll("th")];
  const value = (row, place) => {
    const cell = row.cells[place];
    return cell.dataset.order === undefined ? cell.textContent : Number(cell.dataset.order);
  };
  heads.forEach((head, place) => {
    head.firstElementChild.addEventListener("click", () => {
      const first = head.classList.contains("number") ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      heads.forEach((one) => one.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const compared = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
      rows.sort((a, b) => sign * compared(value(a, place), value(b, place)));
      body.append(...rows);
    });
  });
  const find = box.querySelector("[data-find]");
  if (!find) continue;
  const chosen = [...box.querySelectorAll("[data-filter]")].map((select) => {
    const place = heads.findIndex((head) => head.textContent.trim() === select.dataset.filter);
    for (const text of [...new Set(rows.map((row) => row.cells[place].textContent))].sort())
      select.add(new Option(text));
    return { select, place };
  });
  const show = () => {
    const wanted = find.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = row.textContent.toLowerCase().includes(wanted) &&
        chosen.every(({ select, place }) => !select.value || row.cells[place].textContent === select.value);
      row.hidden = !fits;
      shown += fits;
    }
    box.querySelector("[data-shown]").textContent = `${shown} of ${rows.length} rows`;
  };
  find.addEventListener("input", show);
  for (const { select } of chosen) select.addEventListener("change", show);
}

"use strict";
const table = document.getElementById("submissions");
const body = table.tBodies[0];
const rows = Array.from(body.rows);
const texts = rows.map((row) => row.textContent.toLowerCase());
const found = document.getElementById("found");

document.getElementById("search").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase().trim();
  let count = 0;
  rows.forEach((row, number) => {
    row.hidden = !texts[number].includes(wanted);
    count += row.hidden ? 0 : 1;
  });
  found.textContent = count + " shown";
});

function valueOf(row, column) {
  const cell = row.cells[column];
  return "value" in cell.dataset ? Number(cell.dataset.value || -1) : cell.textContent;
}

function compare(one, other) {
  return typeof one === "number" ? one - other : one.localeCompare(other, undefined, { numeric: true });
}

Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
  head.firstElementChild.addEventListener("click", () => {
    const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const sorted = rows.slice().sort((one, other) => sign * compare(valueOf(one, column), valueOf(other, column)));
    body.replaceChildren(...sorted);
  });
});

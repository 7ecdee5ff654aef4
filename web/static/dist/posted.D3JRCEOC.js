(()=>{var t=document.currentScript?.dataset.address;t&&history.replaceState(null,"",t);})();
